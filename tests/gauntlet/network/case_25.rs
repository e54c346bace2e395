//! 25. Redirects are not followed; on a change they are a failure.

use super::{B, fails_alone};
use crate::harness::{Dice, Reply, Rule, Stage, Wire, bait::Bait, each};

#[derive(Debug, Clone, Copy)]
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
            let (stage, bait) = (Stage::new(), Bait::new());
            let server = &stage.servers[B];
            let place = match to {
                To::OtherPort => format!("http://127.0.0.1:{}/stolen", bait.port),
                To::PlainHttp => format!("http://localhost:{}/", bait.port),
                To::Itself => format!("http://127.0.0.1:{}/admin/realms/chatbots", server.port),
            };
            let wire = Wire::Answer(Reply::json(*status, "[]").header("location", &place));
            server.fault(match on {
                On::Token => Rule::on("POST", "/token", wire),
                On::List => Rule::when(|request| request.method == "GET" && request.path().ends_with("/clients"), wire),
                On::Read => Rule::reads(wire),
                On::Revoke => Rule::changes(wire),
            });
            let ran = stage.isolate();
            if matches!(on, On::List) {
                // The bot is named by id: its own reads prove it without the listing, which is said to be incomplete.
                stage.holds(&ran);
                ran.expect(&[0, 3]);
                stage.run(&["--json", "list"]).expect(&[3]);
            } else {
                fails_alone(&stage, &ran, &[3, 4]);
            }
            assert!(bait.taken().is_empty(), "it was followed: {:?}", bait.taken());
            stage.converges(0);
            assert!(bait.taken().is_empty(), "it was followed later");
        },
    );
}
