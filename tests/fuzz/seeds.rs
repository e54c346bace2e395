//! What the edits begin with: well-formed input of each kind.

use std::{fs, sync::Arc};

use estop::{
    config,
    domain::{BotName, Depth, IncidentId, OperationId, Untrusted},
    journal::{Body, Entry, Process, Store},
};
use uuid::Uuid;

/// The seeds of every target.
pub fn all() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let lines = journal();
    let first = lines.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
    let odd = "caf\u{e9} \u{202e}gnp.exe\u{200d}\u{1f469} \u{1b}]52;c;aGk=\u{7} \u{9b}31m a\u{301}\u{301}\u{301}";
    let sent = "\u{1b}[A\u{1b}[0n\u{1b}[200~pasted\u{1b}[201~\u{1b}[?1;2c\u{1b}[<0;12;3M\u{1b}OPX\u{e9}\u{1b}[97;1:2u";
    let over = (0..48_u8).map(|which| [&[which, 0, 9][..], b"{\"id\":7}"].concat());
    let answers = (0..24_u8).map(|which| [&[which, 0, 40][..], &[0, 0, 0, 4, 0xff]].concat());
    let drawn = (1..17_u64).map(|seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        std::iter::once(200).chain((0..1200).map(|_| random.u8(..))).collect()
    });
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("journal", vec![lines, first, Vec::new(), text("{}\n")]),
        ("configuration", vec![text(&configuration()), Vec::new(), text("[console]\n")]),
        ("text", vec![text("helpdesk-bot"), text(odd)]),
        ("recognise", secrets()),
        ("mask", secrets()),
        ("keys", vec![text(sent), text("jjjkX\r"), text("\u{1b}")]),
        ("keycloak", over.collect()),
        ("postgres", answers.chain(drawn).collect()),
    ]
}

/// A journal with lines of several kinds, one of them in parts.
pub fn journal() -> Vec<u8> {
    let state = tempfile::tempdir().expect("a directory can be made");
    let store = Store::at(state.path(), None, Arc::new(|| (jiff::Timestamp::UNIX_EPOCH, 0)), Process::this());
    let incident = IncidentId::from_uuid(Uuid::nil());
    let op = OperationId::from_uuid(Uuid::nil());
    let claim = Body::OpClaim {
        bot: BotName::new("helpdesk"),
        depth: Depth::Isolate,
        reason: Some("\"seen\" on a wiki".to_owned()),
        identities: Vec::new(),
        collateral: Vec::new(),
        resumed: false,
        restores: None,
    };
    let entries = [
        Entry::general(Body::IncidentOpen { title: Some("a leak".to_owned()), follows: None }),
        Entry::general(Body::IncidentNote { text: Untrusted::new("caf\u{e9} \u{202e}\u{1b}[2J") }),
        Entry::of(op, 1, claim),
        Entry::of(op, 1, Body::SweepRound { round: 1, complete: true, new: 0, live: 2 }),
        Entry::general(Body::GuardRefused { bot: None, why: "long ".repeat(20_000) }),
        Entry::general(Body::ConsoleLost { by: "SIGHUP".to_owned() }),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let journal = store.open(incident).await.expect("a new journal can be opened");
        for entry in entries {
            journal.commit(vec![entry]).await.expect("a new journal can be written");
        }
    });
    fs::read(store.path(incident)).expect("the journal is there")
}

/// Texts with what looks like secrets in them, put together here so that no scanner takes this file for a leak.
fn secrets() -> Vec<Vec<u8>> {
    let token = format!("{}_{}", "ghp", "Ab1".repeat(12));
    let jwt = format!("{}.{}.{}", "eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJodHRwczovL3Nzby5leGFtcGxlIn0", "c2ln".repeat(12));
    let key = ["-----BEGIN PRIVATE", " KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE", " KEY-----\n"].concat();
    let dsn = "postgres://kb_reader:hunter2@db.example/kb?sslmode=require";
    let pairs = format!("Authorization: Bearer {token}\nclient_secret={}&x=1", "Zx9".repeat(9));
    [token, jwt, key, dsn.to_owned(), pairs].map(String::into_bytes).to_vec()
}

/// The starter configuration with everything in it switched on.
pub fn configuration() -> String {
    let switched_on = |line: &str| {
        let setting = line
            .strip_prefix('#')
            .filter(|rest| rest.starts_with(|first: char| first == '[' || first.is_ascii_lowercase()));
        format!("{}\n", setting.unwrap_or(line))
    };
    config::starter().lines().map(switched_on).collect()
}
