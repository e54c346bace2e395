//! The fleet's rows: order, groups, filter, marks, and lists that are made beside the loop.

use std::sync::Arc;

use estop::{
    domain::{BotName, Depth},
    engine::{Refusal, Snapshot},
    tui::{
        fleet::{Ask, Column, Grouping, List, ListLine, View},
        message::Message,
        state::State,
        theme::{Capability, Glyphs},
        update::{Effect, update},
    },
};
use proptest::prelude::*;

use super::{
    fake, sample,
    screens::{assert_screens, assert_screens_to_the_least, press, read},
    story::{asked, looped, open},
    world,
};

fn listed(snapshot: &Arc<Snapshot>, view: View, text: &str, before: Option<Arc<List>>) -> Arc<List> {
    let before = before.unwrap_or_else(|| Arc::new(List::empty(snapshot.clone())));
    let ask = Ask { generation: 1, snapshot: snapshot.clone(), view, text: text.to_owned(), before };
    Arc::new(List::build(&ask, &|| false).unwrap())
}

fn names(list: &List) -> Vec<String> {
    (0..list.len()).map(|row| list.entry(row).unwrap().raw_name().to_owned()).collect()
}

/// Gives one of the others another name.
fn rename(snapshot: &mut Snapshot, name: &str) {
    let mut others: Vec<_> = snapshot.others.iter().cloned().collect();
    others[3].name = name.into();
    snapshot.others = others.into();
}

const ALL: View = View { column: Column::Attention, reverse: false, grouping: Grouping::None, all: true };

#[test]
fn what_needs_somebody_comes_first() {
    let list = listed(&Arc::new(sample::fleet()), View::default(), "", None);
    assert_eq!(names(&list)[..3], ["payroll", "compliance", "engineering"]);
}

#[test]
fn every_column_orders() {
    let snapshot = Arc::new(sample::fleet());
    for (column, first, last) in [
        (Column::State, "payroll", "helpdesk"),
        (Column::Name, "compliance", "sales"),
        (Column::Owner, "knowledge", "sales"),
        (Column::Environment, "compliance", "engineering-staging"),
        (Column::Identities, "sales", "payroll"),
        (Column::Scopes, "sales", "engineering-staging"),
        (Column::Last, "engineering", "engineering-staging"),
    ] {
        let view = View { column, ..View::default() };
        let found = names(&listed(&snapshot, view, "", None));
        assert_eq!((found[0].as_str(), found[6].as_str()), (first, last), "{column:?}: {found:?}");
        let mut turned = names(&listed(&snapshot, View { reverse: true, ..view }, "", None));
        turned.reverse();
        assert_eq!(found, turned, "{column:?}");
    }
}

#[test]
fn terms_find_what_they_name() {
    let snapshot = Arc::new(sample::fleet());
    for (text, found) in [
        ("owner:rev", &["sales"][..]),
        ("state:dark", &["helpdesk"]),
        ("state:dark-at", &["knowledge"]),
        ("state:part", &["payroll"]),
        ("scope:export", &["payroll", "sales"]),
        ("scope:mint", &["sales"]),
        ("env:staging", &["engineering-staging"]),
        ("environment:production owner:platform", &["engineering"]),
        ("kind:workload", &["engineering-staging", "sales"]),
        ("provider:warehouse -env:staging name:sal", &["sales"]),
        ("engineering -staging", &["engineering"]),
        ("Owner:PLATFORM env:production", &["engineering"]),
        ("'work", &[]),
        ("^comp", &["compliance"]),
        ("onwer:x pay", &["payroll"]),
        ("kind:service", &["reporting-job", "backup", "ci-runner", "sales"]),
    ] {
        let list = listed(&snapshot, ALL, text, None);
        let mut got = names(&list);
        let mut want: Vec<String> = found.iter().map(|name| (*name).to_owned()).collect();
        got.sort();
        want.sort();
        assert_eq!(got, want, "{text}");
        assert_eq!(list.problems().is_empty(), !text.starts_with("onwer"), "{text}");
    }
}

#[test]
fn the_cursor_goes_to_the_best_while_one_types_and_stays_on_its_name_otherwise() {
    let mut state = fake::state(80, 24, fake::look(Capability::None, Glyphs::ASCII), false);
    read(&mut state, sample::fleet());
    press(&mut state, "G/eng");
    assert_eq!(state.fleet.bot().map(BotName::raw), Some("engineering"));
    press(&mut state, "\rj");
    assert_eq!(state.fleet.bot().map(BotName::raw), Some("engineering-staging"));
    read(&mut state, sample::fleet());
    assert_eq!(state.fleet.bot().map(BotName::raw), Some("engineering-staging"));
    press(&mut state, "\u{1b}");
    assert_eq!(state.fleet.bot().map(BotName::raw), Some("engineering-staging"));
}

#[test]
fn the_best_comes_first() {
    let list = listed(&Arc::new(sample::fleet()), ALL, "eng", None);
    assert_eq!(names(&list)[0], "engineering");
}

#[test]
fn groups_have_headings_that_are_no_rows() {
    let view = View { grouping: Grouping::Environment, ..ALL };
    let list = listed(&Arc::new(sample::fleet()), view, "", None);
    let lines: Vec<String> = (0..list.lines())
        .map(|line| match list.line(line).unwrap() {
            ListLine::Heading(group) => format!("{} {}", group.name, group.count),
            ListLine::Row(row, entry) => {
                assert_eq!(list.line_of(row), line);
                entry.raw_name().to_owned()
            }
        })
        .collect();
    assert_eq!(lines[0], "production 6");
    assert_eq!(lines[7], "staging 1");
    assert_eq!(lines[9], " 3");
    assert_eq!(lines.len(), 13);
    assert!(list.line(13).is_none());
}

/// Words, terms and nonsense, as they are typed: letter by letter, and taken back.
fn typed() -> impl Strategy<Value = Vec<String>> {
    let term = prop_oneof![
        "[a-z]{1,4}",
        "[a-z]{2,3}-[a-z]",
        Just("owner:sup".to_owned()),
        Just("-owner:sup".to_owned()),
        Just("state:dark-at".to_owned()),
        Just("env:prod".to_owned()),
        Just("scope:exp".to_owned()),
        Just("provider:code".to_owned()),
        Just("kind:api".to_owned()),
        Just("'port".to_owned()),
        Just("^pay".to_owned()),
        Just("7$".to_owned()),
        Just("-ä".to_owned()),
        Just("onwer:x".to_owned()),
    ];
    proptest::collection::vec(term, 1..3).prop_map(|terms| {
        let whole = terms.join(" ");
        let mut steps: Vec<String> = whole.char_indices().map(|(at, _)| whole[..at].to_owned()).collect();
        steps.push(whole.clone());
        steps.extend((0..whole.len().min(3)).map(|cut| whole.chars().take(whole.chars().count() - cut).collect()));
        steps
    })
}

fn any_view() -> impl Strategy<Value = View> {
    let columns = [Column::Attention, Column::Name, Column::Owner, Column::Scopes, Column::Last, Column::State];
    let groups = [Grouping::None, Grouping::None, Grouping::Owner, Grouping::Provider, Grouping::Environment];
    (
        proptest::sample::select(columns.to_vec()),
        any::<bool>(),
        proptest::sample::select(groups.to_vec()),
        any::<bool>(),
    )
        .prop_map(|(column, reverse, grouping, all)| View { column, reverse, grouping, all })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn narrowing_equals_filtering_afresh(seed in 0u64..1000, view in any_view(), steps in typed()) {
        let mut snapshot = world::fleet(seed, 12, 60);
        rename(&mut snapshot, "sÿnc-Äxporter\u{202e}");
        let snapshot = Arc::new(snapshot);
        let mut before = None;
        for text in steps {
            let narrowed = listed(&snapshot, view, &text, before.take());
            let afresh = listed(&snapshot, view, &text, None);
            prop_assert_eq!(narrowed.matched(), afresh.matched(), "{}", &text);
            prop_assert_eq!(names(&narrowed), names(&afresh), "{}", &text);
            before = Some(narrowed);
        }
    }

    /// What the quick ways say is what the matcher says of the whole text.
    #[test]
    fn quick_ways_find_what_the_matcher_finds(seed in 0u64..1000, word in "[a-zA-Z0-9.-]{1,5}|ä|s[yÿ]nc") {
        use nucleo_matcher::{Config, Matcher, Utf32Str, pattern::{Atom, AtomKind, CaseMatching, Normalization}};
        prop_assume!(!word.starts_with('-'));
        let mut snapshot = world::fleet(seed, 0, 80);
        rename(&mut snapshot, "sÿnc-Äxporter");
        let snapshot = Arc::new(snapshot);
        let atom = Atom::new(&word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
        let (mut engine, mut chars) = (Matcher::new(Config::DEFAULT), Vec::new());
        let mut expected: Vec<String> = snapshot.others.iter().filter(|identity| {
            let text = format!("{} {}", identity.name.shown(), identity.id.provider());
            atom.score(Utf32Str::new(&text, &mut chars), &mut engine).is_some()
        }).map(|identity| identity.name.raw().to_owned()).collect();
        let mut found = names(&listed(&snapshot, ALL, &word, None));
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}

fn large() -> State {
    let mut state = fake::state(80, 24, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    let effects = update(&mut state, Message::FleetRead(Arc::new(world::fleet(1, 2500, 0))));
    for message in made(effects) {
        update(&mut state, message);
    }
    state
}

/// What the worker would tell.
fn made(effects: Vec<Effect>) -> Vec<Message> {
    let list = |effect| match effect {
        Effect::List(ask) => {
            let list = List::build(&ask, &|| false).unwrap();
            Some(Message::FilterMatched { generation: ask.generation, list: Arc::new(list) })
        }
        _ => None,
    };
    effects.into_iter().filter_map(list).collect()
}

fn type_letter(state: &mut State, letter: char) -> Vec<Effect> {
    use terminput::{KeyCode, KeyEvent};
    update(state, Message::KeyPressed { key: KeyEvent::new(KeyCode::Char(letter)).into(), alone: true })
}

#[test]
fn of_many_rows_typing_waits_for_nothing_and_the_newest_wins() {
    let mut state = large();
    assert_eq!(state.fleet.list().len(), 2500);
    let selected = state.fleet.selected.clone();
    type_letter(&mut state, '/');
    let first = made(type_letter(&mut state, 'p'));
    let second = made(type_letter(&mut state, 'a'));
    assert_eq!(state.fleet.filter.value(), "pa");
    assert!(state.fleet.is_pending() && state.fleet.list().len() == 2500);
    for message in first {
        update(&mut state, message);
    }
    assert!(state.fleet.is_pending(), "an old answer is not shown");
    for message in second {
        let effects = update(&mut state, message);
        assert!(effects.iter().any(|effect| matches!(effect, Effect::LetGo(_))));
    }
    assert!(!state.fleet.is_pending() && state.fleet.list().len() < 2500);
    let at = state.fleet.selected.as_ref().and_then(|row| state.fleet.list().find(row));
    assert!(at.is_some() && at == state.fleet.index(), "{selected:?}");
}

#[test]
fn nobody_waits_for_a_list_that_nobody_wants() {
    let snapshot = Arc::new(world::fleet(1, 0, 20_000));
    let before = Arc::new(List::empty(snapshot.clone()));
    let ask = Ask { generation: 1, snapshot, view: ALL, text: "pay".to_owned(), before };
    assert!(List::build(&ask, &|| true).is_none());
    assert!(List::build(&ask, &|| false).is_some());
}

#[test]
fn sorted_and_grouped() {
    assert_screens("sorted", |state| {
        read(state, sample::fleet());
        press(state, "ssssG");
    });
    assert_screens("grouped", |state| {
        read(state, sample::fleet());
        press(state, "oG");
    });
}

#[test]
fn filter_terms() {
    assert_screens("filter-terms", |state| {
        read(state, sample::fleet());
        press(state, "/env:production onwer:x e");
    });
}

#[test]
fn marked() {
    assert_screens_to_the_least("marked", |state| {
        read(state, sample::fleet());
        press(state, "  j ");
    });
    assert_screens_to_the_least("marked-prompt", |state| {
        read(state, sample::fleet());
        press(state, "  j X2");
    });
}

#[test]
fn marks_of_bots_that_are_gone_are_gone() {
    let mut state = fake::state(80, 24, fake::look(Capability::None, Glyphs::ASCII), false);
    read(&mut state, sample::fleet());
    press(&mut state, "  ");
    assert_eq!(state.fleet.marked.len(), 2);
    let mut snapshot = sample::fleet();
    snapshot.bots.retain(|view| view.bot.name.raw() != "payroll");
    read(&mut state, snapshot);
    assert_eq!(state.fleet.marked.iter().map(BotName::raw).collect::<Vec<_>>(), ["compliance"]);
}

#[test]
fn a_protected_bot_among_the_marked_stops_all() {
    let mut snapshot = sample::fleet();
    Arc::make_mut(&mut snapshot.bots[0]).bot.protected = true;
    let mut state = fake::state(80, 24, fake::look(Capability::None, Glyphs::ASCII), false);
    read(&mut state, snapshot);
    press(&mut state, "  X");
    assert!(state.form.is_none());
    assert!(state.flash.as_deref().is_some_and(|said| said.contains("compliance is protected")), "{:?}", state.flash);
}

looped! {
    async fn marked_bots_are_isolated_once_their_number_was_typed() {
        let console = open(fake::Desk::new(sample::fleet())).await;
        console.keys("  j X").await;
        assert!(console.shows("Isolate 3 bots") && console.shows("Type 3 and press Enter"), "{}", console.screen());
        console.keys("2\r").await;
        assert!(console.shows("that is not their number"), "{}", console.screen());
        assert!(console.desk.orders().is_empty());
        console.keys("\u{7f}3\r").await;
        let mut orders = console.desk.orders();
        orders.sort();
        assert_eq!(orders, ["compliance", "engineering", "helpdesk"]);
        assert!(console.desk.orders.lock().unwrap().iter().all(|order| order.depth == Depth::Isolate && !order.name_typed));
    }

    async fn a_guard_that_refuses_one_refuses_all() {
        let console = open(fake::Desk::new(sample::fleet())).await;
        let bot = BotName::new("compliance");
        console.desk.guards.lock().unwrap().push((bot.clone(), Refusal::Collateral { bot, hits: 9, cap: 3 }));
        console.keys("  X").await;
        console.keys("2\r").await;
        console.wait(200).await;
        assert!(console.desk.orders().is_empty());
        assert_eq!(asked(&console, "guard engineering"), 1);
        assert!(console.shows("nothing was sent to any of them"), "{}", console.screen());
        assert!(console.shows("2 marked"), "{}", console.screen());
    }

    async fn one_marked_bot_needs_no_number() {
        let console = open(fake::Desk::new(sample::fleet())).await;
        console.keys(" ").await;
        console.keys("jjX").await;
        assert!(console.shows("X once more isolates compliance"), "{}", console.screen());
        console.keys("X").await;
        assert_eq!(console.desk.orders(), ["compliance"]);
    }

    async fn many_rows_are_listed_beside_the_loop() {
        let console = open(fake::Desk::new(world::fleet(1, 2500, 0))).await;
        for _ in 0..200 {
            if console.shows("2500 bots") {
                break;
            }
            tokio::task::yield_now().await;
            console.wait(20).await;
        }
        assert!(console.shows("2500 bots"), "{}", console.screen());
    }
}
