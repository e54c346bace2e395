//! A drill on the embedded exercise, through the real loop over the real engine, kept as asciicast v3
//! (docs.asciinema.org/manual/asciicast/v3). `UPDATE_GOLDEN=1` records it anew.

use std::{fs, time::Duration};

use estop::tui::{
    encode::{Dialect, Encoder},
    theme::{Capability, Glyphs},
};
use serde_json::{Value, json};

use super::{
    bench::Bench,
    fake::{self, Console, Far},
    golden,
    story::looped,
};

const CAST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/drill.cast");
const SIZE: (u16, u16) = (100, 30);
/// What every player takes.
const PLAYER: Dialect = Dialect { repeats: false, ..Dialect::MOST };

/// What a responder does: look, look closer, strike, watch it go dark, read the record.
async fn play() -> Console<estop::engine::Engine> {
    let bench = Bench::new().await;
    let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
    let console = Console::at(bench.engine.clone(), Far::Answers, fake::state(SIZE.0, SIZE.1, look, false)).await;
    console.wait(2000).await;
    for letter in "/sales".chars() {
        console.keys(&letter.to_string()).await;
        console.wait(250).await;
    }
    console.wait(800).await;
    console.keys("\r").await;
    console.wait(1500).await;
    console.keys("X").await;
    console.until("time to dark").await;
    console.wait(4000).await;
    console.keys("J").await;
    console.wait(3000).await;
    console.keys("q").await;
    console
}

/// One line for the header, then one for each frame: seconds since the frame before, and its bytes.
fn cast(console: &Console<estop::engine::Engine>) -> String {
    let header = json!({
        "version": 3,
        "term": { "cols": SIZE.0, "rows": SIZE.1 },
        "title": "estop: a drill on the embedded exercise",
    });
    let mut lines = vec![header.to_string()];
    let (mut encoder, mut before) = (Encoder::new(PLAYER), None);
    for (at, picture) in console.timed() {
        let since: Duration = before.map_or(Duration::ZERO, |before| at - before);
        before = Some(at);
        let bytes = encoder.encode(picture.buffer, picture.clear, picture.cursor);
        let text = String::from_utf8(bytes).unwrap();
        // A player asks nothing back.
        let text = text.replace("\x1b[5n", "");
        lines.push(json!([since.as_secs_f64(), "o", text]).to_string());
    }
    lines.join("\n") + "\n"
}

/// The screens of a recording, as a player shows them.
fn screens(cast: &str) -> Vec<String> {
    let mut lines = cast.lines();
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["version"], 3);
    let side = |name: &str| {
        std::num::NonZeroU16::try_from(u16::try_from(header["term"][name].as_u64().unwrap()).unwrap()).unwrap()
    };
    let mut parser = vt100::Parser::new(side("rows"), side("cols"), 0);
    lines
        .map(|line| {
            let (since, code, data): (f64, String, String) = serde_json::from_str(line).unwrap();
            assert!(since >= 0.0 && code == "o", "{line}");
            parser.process(data.as_bytes());
            parser.screen().contents()
        })
        .collect()
}

/// What does not hang on the jitter of the simulated network: the fleet's frames, and the isolation at its end.
fn calm(screens: &[String]) -> Vec<String> {
    let dark = screens.iter().rfind(|screen| screen.contains("time to dark"));
    let fleet = screens.iter().filter(|screen| screen.contains("estop  Fleet"));
    let hidden = |screen: &String| screen.replace(|character: char| character.is_ascii_digit(), "0");
    fleet.chain(dark).map(hidden).collect()
}

looped! {
    async fn the_recorded_drill_is_what_the_console_shows() {
        let console = play().await;
        let now = cast(&console);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(CAST, &now).unwrap();
        }
        let kept = screens(&fs::read_to_string(CAST).unwrap_or_default());
        let played = screens(&now);
        let last = console.pictures().pop().unwrap();
        assert_eq!(played.last().unwrap().trim_end(), golden::text(&last.buffer).trim_end(), "a player shows the same");
        assert_eq!(calm(&kept), calm(&played), "{CAST} is not what the console shows: UPDATE_GOLDEN=1 records it");
        assert!(kept.iter().any(|screen| screen.contains("time to dark")) && kept[0].contains("Reading the fleet"));
    }
}
