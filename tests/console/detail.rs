//! One bot in full: findings, the tree of what it holds, what it did.

use std::fmt::Write as _;

use estop::{
    domain::{BotName, BotState, Findings, Suppressed},
    engine::Snapshot,
    tui::{
        fleet::Row,
        message::Message,
        press::Pasted,
        screen,
        state::State,
        theme::{Capability, Glyphs},
        update::update,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    bench::{BOTS, Bench},
    fake, golden, sample,
    screens::{assert_screens, on_sales, press, read},
};

fn on(name: &str, glyphs: Glyphs) -> State {
    let mut state = fake::state(120, 40, fake::look(Capability::None, glyphs), false);
    read(&mut state, sample::fleet());
    state.fleet.selected = Some(Row::Bot(BotName::new(name)));
    press(&mut state, "\r");
    state
}

/// The whole detail, whatever the window has room for.
fn text(state: &State) -> String {
    let mut text = String::new();
    for line in screen::detail::lines(state, 66) {
        let line: String = line.into_iter().map(|piece| piece.text).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn shown(state: &State) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    screen::draw(state, &mut buffer);
    golden::text(&buffer)
}

#[test]
fn tree_and_activity() {
    assert_screens("detail-tree", |state| {
        on_sales(state);
        press(state, "\r");
        let tree = screen::detail::lines(state, 66).iter().position(|line| line[0].text.contains("IDENTITY"));
        state.fleet.detail_offset = tree.unwrap();
    });
    assert_screens("detail-activity", |state| {
        on_sales(state);
        press(state, "fuser:mallory");
    });
}

#[test]
fn a_whole_bot() {
    golden::assert("detail-whole", &text(&on("sales", Glyphs::UNICODE)));
    golden::assert("detail-whole-shared", &text(&on("engineering", Glyphs::ASCII)));
}

/// What the house lives with stands there with its reason, and is not counted.
#[test]
fn what_is_suppressed_says_until_when_and_why() {
    let mut state = on("sales", Glyphs::ASCII);
    let mut snapshot = sample::fleet();
    let at = snapshot.bots.iter().position(|view| view.bot.name.raw() == "sales").unwrap();
    let mut view = (*snapshot.bots[at]).clone();
    let mut findings = (*view.findings).clone();
    let finding = findings.fired.iter().position(|one| one.rule.id() == "F504").unwrap();
    let finding = findings.fired.remove(finding);
    let until = "2026-06-30T00:00:00Z".parse().unwrap();
    findings.suppressed.push(Suppressed { finding, until, reason: "the vendor\u{202e} has no other".into() });
    view.findings = findings.into();
    snapshot.bots[at] = view.into();
    read(&mut state, snapshot);
    let text = text(&state).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("FINDINGS 2 critical;"), "{text}");
    let said =
        "suppressed until 2026-06-30T00:00:00Z: F504 Can re-arm itself (critical): the vendor<U+202E> has no other";
    assert!(text.contains(said), "{text}");
}

/// What to do stands with what is wrong, and what could not be evaluated is counted beside it.
#[test]
fn a_finding_says_what_to_do() {
    let text = text(&on("sales", Glyphs::UNICODE)).replace('\n', " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "F504 Can re-arm itself",
        "it can make new credentials or identities with manage-clients on realm chatbots",
        "do: Take this right away",
        "NHI5 · PR.AA-05 · RS.MI-01 · ZT6",
        "of 39 rules cannot be evaluated",
        "CANNOT EVALUATE",
        "✚ mint",
        "⇑ bulk",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[test]
fn without_utf8_the_whole_detail_is_ascii() {
    for name in ["sales", "engineering", "engineering-staging"] {
        let text = text(&on(name, Glyphs::ASCII));
        assert!(text.is_ascii(), "{text}");
    }
}

/// Nobody reads anything into a bot that nobody has read.
#[test]
fn an_unread_bot_has_no_rule_passed() {
    let text = text(&on("engineering-staging", Glyphs::UNICODE));
    assert!(text.contains("none fired; 39 of 39 rules cannot be"), "{text}");
}

#[test]
fn activity_is_filtered_by_its_fields() {
    let mut state = on("sales", Glyphs::UNICODE);
    let entries = |state: &State| {
        let text = text(state);
        let mut lines = text.lines().skip_while(|line| !line.starts_with(" ACTIVITY")).skip(1);
        lines.by_ref().take_while(|line| line.starts_with("   ")).filter(|line| line.contains(" for ")).count()
    };
    assert_eq!(entries(&state), 3);
    press(&mut state, "fuser:mallory");
    assert_eq!(entries(&state), 1);
    assert!(shown(&state).contains("1 of 3 with: user:mallory"));
    update(&mut state, Message::Pasted(Pasted::of(b" from:10.9")));
    assert_eq!(entries(&state), 0, "both terms must hold");
    press(&mut state, "\u{1b}");
    assert_eq!(entries(&state), 3, "Esc shows all again");
    assert!(state.fleet.detail, "and does no more");
    press(&mut state, "fbob\r\u{1b}");
    assert_eq!(entries(&state), 3, "Esc clears a filter that was kept before it closes the detail");
    assert!(state.fleet.detail);
    press(&mut state, "\u{1b}");
    assert!(!state.fleet.detail);
}

/// A capital in a filter is text: it cuts nothing and moves nothing.
#[test]
fn no_key_fires_from_the_filter() {
    let mut state = on("sales", Glyphs::UNICODE);
    press(&mut state, "f");
    for _ in 0..2 {
        press(&mut state, "XBUG");
    }
    assert!(state.ordered.is_empty() && state.prompt.is_none() && state.restore.is_none());
    assert_eq!(state.activity.input.value(), "XBUGXBUG");
    assert_eq!(state.fleet.bot(), Some(&BotName::new("sales")));
}

/// Text too long for a line goes on below: nothing that was read is cut off.
#[test]
fn nothing_is_cut_off() {
    let mut snapshot: Snapshot = sample::fleet();
    let mut view = snapshot.bots.pop().map(std::sync::Arc::unwrap_or_clone).unwrap();
    let long = format!("role-{}-end", "x".repeat(300));
    let mut reading = view.readings.iter().next().unwrap().clone();
    reading.holdings[3].scopes[0].resource = long.as_str().into();
    reading.activity[0].resource = Some(long.as_str().into());
    view.readings.insert(reading);
    view.state = BotState::Live;
    snapshot.bots.push(view.into());
    let mut state = fake::state(80, 24, fake::look(Capability::None, Glyphs::UNICODE), false);
    read(&mut state, snapshot);
    press(&mut state, "G\r");
    let lines = screen::detail::lines(&state, 80);
    for line in &lines {
        let width: usize = line.iter().map(|piece| piece.text.chars().count()).sum();
        assert!(width <= 80, "{line:?}");
    }
    let text: String = text(&state).split_whitespace().collect();
    assert!(text.matches(&long).count() >= 2, "{text}");
}

fn ids(findings: &Findings) -> Vec<String> {
    findings.fired.iter().map(|finding| format!("{} {}", finding.rule.id(), finding.severity.word())).collect()
}

/// What the simulated servers tell, read by the real providers, is enough for these rules.
#[tokio::test(start_paused = true)]
async fn the_exercise_fleet_has_these_findings() {
    let bench = Bench::new().await;
    let mut text = String::new();
    for bot in BOTS {
        let findings = bench.view(bot).findings.clone();
        let blind: Vec<String> = findings.unevaluated.iter().map(|one| one.rule.id()).collect();
        writeln!(text, "{bot}\n  fired: {}\n  cannot evaluate: {}", ids(&findings).join(", "), blind.join(" "))
            .unwrap();
    }
    golden::assert("findings-exercise", &text);
    let fired = |bot: &str, rule: &str| bench.view(bot).findings.fired.iter().any(|one| one.rule.id() == rule);
    assert!(fired("engineering-staging", "F901") && fired("engineering-production", "F801"));
}
