//! 33. Plain surroundings: no UTF-8, no colour, sixteen colours, light and dark.

use super::hostile::quoted;
use crate::{
    harness::{
        Options, Rule, Stage, Wire, each,
        stage::{HELPDESK, PATIENCE},
    },
    pty::{console, ended, hands::isolate, place, stream::colours, terminal::Start},
};

const COMMANDS: [&[&str]; 11] = [
    &["list"],
    &["list", "--all"],
    &["show", HELPDESK],
    &["plan", HELPDESK],
    &["activity", HELPDESK],
    &["isolate", HELPDESK, "--yes", "--reason", "vergessen: 日本 é"],
    &["status"],
    &["incident", "list"],
    &["incident", "show"],
    &["journal", "show"],
    &["check"],
];

/// A client whose names are no ASCII.
fn far_away() -> Options {
    let name = quoted("bot-é日本-…");
    let realm = format!("[[client]]\nclient_id = {name}\nname = {name}\nservice_account = true\n");
    Options { realm, ..Options::default() }
}

#[test]
#[ignore = "gauntlet"]
fn case_33_only_ascii_where_the_locale_is_not_utf_8() {
    each(
        &[("LANG", "C"), ("LC_ALL", "C"), ("LC_CTYPE", "POSIX"), ("LANG", "en_US.ISO-8859-1"), ("LANG", "")],
        |locale| format!("{locale:?}"),
        |(variable, value)| {
            let stage = Stage::with(&far_away());
            for words in COMMANDS {
                let mut command = stage.command(&[], words);
                command.env_remove("LANG").env(variable, value);
                let ran = stage.heard(stage.spawn(command, words).wait(PATIENCE));
                ran.expect(&[0]);
                assert!(ran.stdout.is_ascii() && ran.stderr.is_ascii(), "{ran}\n{}", ran.stdout);
                if words == ["list", "--all"] {
                    assert!(ran.stdout.contains("U+65E5"), "the name is not shown: {}", ran.stdout);
                }
            }
        },
    );
}

/// The console of a fleet that ends in all three ways at once: said in words, whatever the colours.
#[test]
#[ignore = "gauntlet"]
fn case_33_states_are_words_or_marks() {
    let variants = [
        ("C", "xterm-256color", "1", "dusk"),
        ("C.UTF-8", "xterm-16color", "", "dusk"),
        ("C.UTF-8", "xterm-16color", "", "paper"),
        ("C", "linux", "", "mono"),
    ];
    each(
        &variants,
        |variant| format!("{variant:?}"),
        |(locale, term, no_color, theme)| {
            let stage = Stage::with(&far_away());
            let place = place(&stage);
            let start = Start::at(&place).size(120, 40).variable("LANG", locale).variable("TERM", term);
            let start = start.variable("NO_COLOR", no_color).arguments(&["--theme", theme]);
            let terminal = console(start);
            // One verifies, one lies, one is gone.
            stage.servers[1].fault(Rule::on("PUT", "/clients/", Wire::Pretend));
            stage.servers[2].fault(Rule::changes(Wire::Reset));
            isolate(&terminal);
            // vt100's text has no colour in it.
            let words = ["verified", "still live", "unknown"];
            terminal.wait_for("the three words", |text| {
                let text = text.to_lowercase();
                words.iter().all(|word| text.contains(word))
            });
            terminal.keys("q");
            let exit = terminal.exit(PATIENCE);
            let ran = ended(&stage, &exit);
            if *locale == "C" {
                assert!(exit.raw.is_ascii(), "not only ASCII: {ran}");
            }
            let used = colours(&exit.raw);
            if *no_color == "1" {
                assert!(used.is_empty(), "{used:?}");
            } else {
                assert!(used.iter().all(|code| !code.contains("38;") && !code.contains("48;")), "{used:?}");
            }
            stage.no_false_success(&ran);
            stage.intent_first();
            // Leaving it in the middle is one more pass.
            stage.converges(1);
        },
    );
}
