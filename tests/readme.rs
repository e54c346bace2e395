//! README shows what the program shows: its screen and its keys are written by this test, not by hand.
//!
//! `UPDATE_GOLDEN=1 cargo test --test readme` writes them.

use std::{fs, path::Path};

use estop::tui::keymap;

fn root(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Replaces what stands between `<!-- NAME` and `<!-- /NAME -->`.
fn with_block(text: &str, name: &str, block: &str) -> String {
    let open = format!("<!-- {name}:");
    let close = format!("<!-- /{name} -->");
    let from = text.find(&open).expect("the block's opening mark");
    let from = from + text[from..].find("-->\n").expect("the mark's end") + "-->\n".len();
    let to = text.find(&close).expect("the block's closing mark");
    format!("{}{block}{}", &text[..from], &text[to..])
}

#[test]
fn readme_shows_what_the_program_shows() {
    let golden = fs::read_to_string(root("tests/golden/readme.txt")).expect("the golden screen");
    let screen: Vec<&str> = golden.lines().map(str::trim_end).collect();
    let readme = fs::read_to_string(root("README.md")).expect("README.md");
    let wanted = with_block(&readme, "screen", &format!("```text\n{}\n```\n", screen.join("\n")));
    let wanted = with_block(&wanted, "keys", &format!("{}\n", keymap::readme_table().trim_end()));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root("README.md"), wanted).expect("README.md can be written");
        return;
    }
    assert!(readme == wanted, "README.md is not what the program shows: UPDATE_GOLDEN=1 cargo test --test readme");
}
