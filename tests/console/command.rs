//! `:`: what a key does, by name; danger only arms or asks.

use estop::{
    domain::Depth,
    tui::theme::{Capability, Glyphs},
};

use super::{
    fake::{self, Console, Desk, Far},
    incidents::{archive, briefs, id},
    sample,
    screens::{assert_screens, on_sales, press},
    story::{asked, looped, open},
};

async fn desk() -> Console {
    let desk = Desk::new(sample::fleet());
    *desk.incidents.lock().unwrap() = Ok(briefs());
    *desk.archive.lock().unwrap() = Some(archive());
    open(desk).await
}

#[test]
fn the_line_and_what_tab_could_make_of_it() {
    assert_screens("command", |state| {
        on_sales(state);
        press(state, ":re");
    });
    assert_screens("command-bot", |state| {
        on_sales(state);
        press(state, ":isolate e\t");
    });
    assert_screens("command-unknown", |state| {
        on_sales(state);
        press(state, ":isolte\r");
    });
}

looped! {
    async fn isolate_goes_to_the_bot_and_arms_and_x_fires_at_what_is_shown() {
        let console = desk().await;
        console.keys(":isolate payroll\r").await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows("ARMED: X once more isolates payroll."), "{}", console.screen());
        assert!(console.shows("X would isolate payroll"), "{}", console.screen());
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["payroll"]);
    }

    async fn no_command_fires_by_itself_however_it_comes() {
        for line in [":isolate payroll\r", ":isolate\r", ":retry payroll\r", ":burn payroll\rpayroll\r", ":restore sales\r"] {
            let console = desk().await;
            console.read(line.as_bytes()).await;
            console.wait(1000).await;
            assert!(console.desk.orders().is_empty() && console.desk.restores.lock().unwrap().is_empty(), "{line:?}");
            assert!(!console.desk.asked.lock().unwrap().iter().any(|what| what.starts_with("retry")), "{line:?}");
        }
        let console = desk().await;
        console.keys(":").await;
        console.read(b"\x1b[200~isolate payroll\rX\x1b[201~").await;
        console.wait(1000).await;
        assert!(console.desk.orders().is_empty());
        assert!(console.shows(":isolate payroll X"), "{}", console.screen());
    }

    async fn burn_asks_for_the_name_of_the_bot_that_it_named() {
        let console = desk().await;
        console.keys(":burn helpdesk\r").await;
        assert!(console.shows("Burn helpdesk"), "{}", console.screen());
        console.keys("helpdesk\r").await;
        let orders = console.desk.orders.lock().unwrap().clone();
        assert_eq!((orders[0].bot.raw(), orders[0].depth, orders[0].name_typed), ("helpdesk", Depth::Burn, true));
    }

    async fn names_and_incidents_are_completed_and_opened() {
        let console = desk().await;
        console.keys(":bot pay\t\r").await;
        assert!(console.shows("X would isolate payroll"), "{}", console.screen());
        console.keys(":open 00000000-\r").await;
        assert!(console.shows("5 incidents have 00000000- in their id"), "{}", console.screen());
        console.escape().await;
        console.keys(":open 000000000006\r").await;
        assert_eq!(asked(&console, &format!("open {}", id(6))), 1, "{:?}", console.desk.asked);
        assert!(console.shows("from the record"), "{}", console.screen());
        console.keys(":note it was a drill\r").await;
        let wanted = format!("note Some({:?}): it was a drill", sample::incident());
        assert_eq!(asked(&console, &wanted), 1, "of the record that is shown: {:?}", console.desk.asked);
    }

    async fn screens_filters_themes_and_quit_by_name() {
        let console = desk().await;
        for (line, shows) in [
            (":journal\r", "estop  Journal"),
            (":incidents\r", "estop  Incidents"),
            (":isolations\r", "estop  Isolation"),
            (":filter revenue\r", "1 of 7 bots"),
            (":theme paper\r", "theme paper"),
            (":sort name desc\r", "ordered by name, the other way round"),
            (":sort last desc\r", "ordered by last activity"),
            (":group env\r", "grouped by environment"),
            (":group none\r", "not grouped"),
            (":them mono\r", "there is no command them: is it theme?"),
        ] {
            console.keys(line).await;
            assert!(console.shows(shows), "{line:?}: {}", console.screen());
        }
        console.escape().await;
        console.keys(":theme nothing\r").await;
        assert!(console.shows("no theme named \"nothing\""), "{}", console.screen());
        console.keys(":sort onwer\r").await;
        assert!(console.shows("there is no column onwer: is it owner?"), "{}", console.screen());
        console.escape().await;
        console.keys(":rotate\r").await;
        assert!(console.shows("that means something on the screen restore only"), "{}", console.screen());
        console.escape().await;
        console.keys(":quit now\r").await;
        assert!(console.shows("quit takes nothing behind it"), "{}", console.screen());
        console.escape().await;
        console.keys(":quit\r").await;
        assert!(console.has_ended());
    }

    async fn read_only_says_why() {
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let desk = Desk::new(sample::fleet());
        let console = Console::at(desk, Far::Answers, fake::state(80, 24, look, true)).await;
        console.wait(200).await;
        for line in [":isolate payroll\r", ":burn payroll\r", ":note x\r", ":retry payroll\r"] {
            console.keys(line).await;
            assert!(console.shows("estop runs read-only"), "{line:?}: {}", console.screen());
        }
        assert!(console.desk.orders().is_empty());
    }
}
