//! `i`: a leaked secret is looked up, ended by `X`, tried, forgotten; and nothing of it is shown or printed.

use estop::{
    domain::{BotName, IdentityId, LeakedSecret, Owner, ProbeKind, Probed, ProviderName, recognise},
    tui::{
        message::Message,
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};

use super::{
    bench::Bench,
    fake::{self, Console, Desk, Far},
    sample,
    screens::{assert_screens, assert_screens_to_the_least, on_sales, press},
    story::{asked, looped, open},
};

/// Nothing that could be found in a word of a screen by chance.
const SECRET: &str = "zq7Vw-Kx9uYj3_canary_RrT5";

fn owner(bot: Option<&str>, name: &str, probe: ProbeKind) -> Owner {
    Owner {
        bot: bot.map(BotName::new),
        identity: IdentityId::new(ProviderName::new("corp-sso"), format!("id-{name}")),
        name: name.into(),
        holding: None,
        how: "the fingerprint of its client secret".to_owned(),
        probe,
    }
}

fn desk(owners: Vec<Owner>) -> Desk {
    let desk = Desk::new(sample::fleet());
    *desk.owners.lock().unwrap() = owners;
    desk
}

/// A paste in brackets.
fn pasted(text: &str) -> Vec<u8> {
    format!("\x1b[200~{text}\x1b[201~").into_bytes()
}

/// Every part of the secret of four characters: none may be anywhere.
fn assert_nowhere(text: &str) {
    for at in 0..SECRET.len() - 4 {
        let part = &SECRET[at..at + 4];
        assert!(!text.contains(part), "{part} of the secret is in:\n{text}");
    }
}

looped! {
    async fn a_pasted_secret_goes_to_its_bot_and_x_ends_it() {
        let console = open(desk(vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)])).await;
        console.keys("i").await;
        assert!(console.shows("(empty)") && console.shows("Nothing of it is shown here"), "{}", console.screen());
        console.read(&pasted(SECRET)).await;
        assert!(console.shows("(not shown)"), "{}", console.screen());
        console.keys("\r").await;
        assert!(console.shows("It is a secret of sales."), "{}", console.screen());
        assert!(console.shows("bot-sales (corp-sso:id-bot-sales)"), "{}", console.screen());
        assert!(console.shows("sha256:"), "{}", console.screen());
        {
            let handed = console.desk.handed.lock().unwrap();
            let [(bot, secret, consent)] = &handed[..] else { panic!("{handed:?}") };
            assert_eq!((bot.raw(), secret.expose(), *consent), ("sales", SECRET, false));
        }
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["sales"], "{}", console.screen());
        assert_nowhere(&console.all_that_was_shown());
        console.keys("q").await;
        assert_nowhere(&format!("{:?}", console.left().await.state));
    }

    async fn a_typed_secret_is_shown_no_more_than_a_pasted_one() {
        let console = open(desk(vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)])).await;
        console.keys("i").await;
        console.keys(&SECRET[..1]).await;
        let one = console.screen();
        console.keys(&SECRET[1..]).await;
        assert_eq!(console.screen(), one, "not even its length is told");
        console.keys("x\x7f\r").await;
        assert_eq!(console.desk.handed.lock().unwrap()[0].1.expose(), SECRET);
        assert_nowhere(&console.all_that_was_shown());
    }

    async fn no_letter_of_it_is_a_key() {
        let console = open(desk(Vec::new())).await;
        console.keys("iXBXrqU1").await;
        console.read(&pasted("XXB\rX\r")).await;
        console.wait(3000).await;
        assert!(console.desk.orders().is_empty() && !console.has_ended());
        assert!(console.shows("(not shown)"), "{}", console.screen());
        console.keys("\x15").await;
        assert!(console.shows("(empty)"), "{}", console.screen());
        console.keys("\r").await;
        assert!(console.shows("nothing was typed or pasted yet"), "{}", console.screen());
    }

    async fn a_paste_without_brackets_is_not_looked_up_half() {
        let console = open(desk(Vec::new())).await;
        console.keys("i").await;
        console.read(b"-----BEGIN PRIVATE KEY-----\rX\r-----END PRIVATE KEY-----\r").await;
        assert!(console.shows("(not shown)"), "the field is still open: {}", console.screen());
        assert!(console.desk.orders().is_empty());
    }

    async fn what_nobody_here_has_is_said_and_x_cuts_nothing_by_it() {
        let console = open(desk(Vec::new())).await;
        console.keys("i").await;
        console.read(&pasted(SECRET)).await;
        console.keys("\r").await;
        assert!(console.shows("Not known here"), "{}", console.screen());
        assert!(console.shows("warehouse: not everything was read"), "{}", console.screen());
        console.keys("X").await;
        assert!(console.shows("it is no bot's that is known here"), "{}", console.screen());
        assert!(console.desk.orders().is_empty());
    }

    async fn escape_forgets_it() {
        let console = open(desk(vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)])).await;
        console.keys("i").await;
        console.read(&pasted(SECRET)).await;
        console.keys("\r\r").await;
        assert!(console.shows("a leaked secret of sales is at hand"), "{}", console.screen());
        console.keys("i").await;
        assert!(console.shows("It is a secret of sales."), "what is at hand is shown: {}", console.screen());
        console.escape().await;
        assert_eq!(asked(&console, "forget sales"), 1);
        assert!(console.desk.handed.lock().unwrap().is_empty());
        assert!(console.shows("the secret is forgotten"), "{}", console.screen());
        console.keys("i").await;
        console.read(&pasted(SECRET)).await;
        console.escape().await;
        assert!(console.desk.handed.lock().unwrap().is_empty() && !console.shows("(not shown)"));
    }

    async fn p_uses_it_once_and_asks_first_where_that_mints() {
        let console = open(desk(vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)])).await;
        console.keys("i").await;
        console.read(&pasted(SECRET)).await;
        console.keys("\rp").await;
        assert_eq!(asked(&console, "probe, consent false"), 1);
        assert!(console.shows("it works at corp-sso"), "{}", console.screen());

        let console = open(desk(vec![owner(Some("sales"), "bot-sales", ProbeKind::Mints)])).await;
        console.keys("i").await;
        console.read(&pasted(SECRET)).await;
        console.keys("\r").await;
        console.read(b"pp").await;
        assert_eq!(asked(&console, "probe, consent true"), 0, "typed before the question was seen");
        assert!(console.shows("p once more agrees"), "{}", console.screen());
        console.keys("p").await;
        assert_eq!(asked(&console, "probe, consent true"), 1, "{}", console.screen());
        assert!(console.desk.handed.lock().unwrap().iter().any(|(_, _, consent)| *consent));
    }

    async fn the_real_engine_ends_that_very_secret() {
        let bench = Bench::new().await;
        let stolen = bench.exercise.keycloak.as_attacker().steal_secret("bot-helpdesk").unwrap();
        let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
        let console = Console::at(bench.engine.clone(), Far::Answers, fake::state(120, 40, look, false)).await;
        console.wait(500).await;
        console.keys("i").await;
        console.read(&pasted(&stolen)).await;
        console.keys("\r").await;
        console.wait(500).await;
        assert!(console.shows("It is a secret of helpdesk."), "{}", console.screen());
        console.keys("p").await;
        console.wait(500).await;
        assert!(console.shows("it works at"), "{}", console.screen());
        console.wait(500).await;
        console.keys("X").await;
        bench.engine.settle().await;
        console.wait(500).await;
        assert!(console.shows("THE LEAKED SECRET, USED ONCE MORE"), "{}", console.screen());
        assert!(console.shows(": refused:"), "{}", console.screen());
        let now = bench.exercise.keycloak.as_attacker().steal_secret("bot-helpdesk");
        assert_ne!(now, Some(stolen.clone()), "the secret itself was ended, not only gated");
        assert!(!console.all_that_was_shown().contains(&stolen));
    }
}

/// The screen of a secret, as it was looked up.
fn found(state: &mut State, owners: Vec<Owner>, text: &str) {
    on_sales(state);
    press(state, "i");
    state.form = None;
    let secret = LeakedSecret::new(text.to_owned().into());
    let identified =
        estop::domain::Identified { fingerprint: secret.fingerprint(), recognised: recognise(text), owners };
    state.looking_up = Some(identified.fingerprint.clone());
    state.screen = estop::tui::action::Context::Secret;
    update(state, Message::Identified { secret, identified });
}

#[test]
fn the_field() {
    assert_screens_to_the_least("secret-field", |state| {
        on_sales(state);
        press(state, "iabc");
    });
}

/// A secret that is the sales bot's.
pub fn whose(state: &mut State) {
    found(state, vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)], SECRET);
}

#[test]
fn whose_it_is() {
    let owners = || vec![owner(Some("sales"), "bot-sales", ProbeKind::ReadOnly)];
    assert_screens_to_the_least("secret-known", whose);
    assert_screens("secret-tried", |state| {
        found(state, owners(), SECRET);
        let said = "introspection of no token: let in".to_owned();
        let probed = Probed { at: ProviderName::new("corp-sso"), alive: Some(true), said };
        update(state, Message::SecretTried(vec![(owners().remove(0), probed)]));
    });
    assert_screens("secret-mints", |state| {
        found(state, vec![owner(Some("sales"), "bot-sales", ProbeKind::Mints)], SECRET);
        press(state, "p");
    });
}

#[test]
fn nobodys() {
    let token = format!("{}_{}", "ghp", "Zz9".repeat(12));
    assert_screens("secret-unknown", |state| found(state, Vec::new(), &token));
}
