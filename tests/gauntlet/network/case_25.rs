//! 25. Redirects are not followed; on a change they are a failure.

use super::{
    B,
    certificates::{Authority, GOOD},
    fails_alone, others_finish,
};
use crate::harness::{Dice, Options, Ran, Reply, Rule, Stage, Wire, bait::Bait, each};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Token,
    List,
    Read,
    Revoke,
}

#[derive(Debug, Clone, Copy)]
enum To {
    OtherPort,
    PlainHttp,
    Itself,
}

/// What no request of estop's own ever asks for.
const MARK: &str = "followed";

#[test]
#[ignore = "gauntlet"]
fn case_25_redirects() {
    let mut table = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        for on in [On::Token, On::List, On::Read, On::Revoke] {
            for to in [To::OtherPort, To::PlainHttp, To::Itself] {
                table.push((status, on, to));
            }
        }
    }
    let drawn = Dice::of("case 25").some(table, 12);
    each(
        &drawn,
        |variant| format!("{variant:?}"),
        |(status, on, to)| {
            let (stage, bait) = (stage(*to), Bait::new());
            let server = &stage.servers[B];
            let place = match to {
                To::OtherPort => format!("http://127.0.0.1:{}/{MARK}", bait.port),
                To::PlainHttp => format!("http://localhost:{}/{MARK}", bait.port),
                To::Itself => format!("http://127.0.0.1:{}/admin/realms/chatbots?{MARK}=1", server.port),
            };
            let wire = Wire::Answer(Reply::json(*status, "[]").header("location", &place));
            server.fault(match on {
                On::Token => Rule::on("POST", "/token", wire),
                On::List => Rule::when(|request| request.method == "GET" && request.path().ends_with("/clients"), wire),
                On::Read => Rule::reads(wire),
                On::Revoke => Rule::changes(wire),
            });
            let ran = stage.isolate();
            if *on == On::List {
                // The bot is named by id: its own reads prove it without the listing, which is said to be incomplete.
                stage.holds(&ran);
                ran.expect(&[0]);
                others_finish(&stage, &ran);
            } else {
                fails_alone(&stage, &ran, &[3, 4]);
            }
            if *on != On::Revoke {
                let list = stage.run(&["--json", "list"]);
                list.expect(&[3]).says(&["sso-b"]);
                stage.honest(&list);
            }
            if *on == On::Revoke {
                is_a_failure(&stage, &ran);
            }
            is_not_followed(&stage, &bait);
            stage.converges(0);
            is_not_followed(&stage, &bait);
        },
    );
}

/// To plain http from where there is TLS.
fn stage(to: To) -> Stage {
    if !matches!(to, To::PlainHttp) {
        return Stage::new();
    }
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.sign(&GOOD);
    let tls = Some(authority.acceptor("good", false));
    let stage = Stage::with(&Options { provider: "ca_file = \"ca.pem\"\n".to_owned(), tls, ..Options::default() });
    stage.write("ca.pem", std::fs::read(folder.path().join("ca.pem")).unwrap(), 0o644);
    stage
}

/// A redirect is no answer that says yes: no step that got one was ever accepted, or called gone.
#[track_caller]
fn is_a_failure(stage: &Stage, ran: &Ran) {
    let answers: Vec<_> = stage.records_of("step.answer");
    let here = answers.iter().filter(|one| one["body"]["step"].as_str().is_some_and(|step| step.starts_with("sso-b:")));
    let states: Vec<_> = here.map(|one| one["body"]["state"]["is"].as_str().unwrap_or_default()).collect();
    assert!(!states.is_empty() && states.iter().all(|state| *state == "refused"), "{states:?}: {ran}");
    ran.says(&["refused", "sso-b", "by hand", "redirects elsewhere", "does not follow"]);
}

#[track_caller]
fn is_not_followed(stage: &Stage, bait: &Bait) {
    assert!(bait.taken().is_empty(), "it was followed: {:?}", bait.taken());
    for server in &stage.servers {
        let followed = server.seen().into_iter().find(|seen| seen.target.contains(MARK));
        assert!(followed.is_none(), "it was followed: {followed:?}");
    }
}
