//! Where commands print: documents and text to standard output, sentences to standard error.
//!
//! Nothing here panics: a closed pipe or a full disk is remembered, and the exit code tells. Everything that is
//! printed is safe for a terminal, whoever chose it: secrets are replaced, text is escaped once more on its way out,
//! JSON is ASCII.

use std::{
    io::{IsTerminal as _, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::lane::Lane;
use crate::domain::{Untrusted, redact, redact_json};

/// What went to the other stream before is given so long, so that lines on one terminal stay in their order.
const IN_ORDER: Duration = Duration::from_millis(50);

/// Whether state words are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or it is a dumb one.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Always.
    Always,
}

/// Both streams, and how to write on them.
pub struct Output {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// Whether documents are wanted.
    pub json: bool,
    color: bool,
    ascii: bool,
    lost: AtomicBool,
    /// Standard output and standard error, where they are written by threads of their own.
    lanes: Option<[Lane; 2]>,
}

impl Output {
    /// The process's own streams.
    pub fn standard(json: bool, color: Color) -> Self {
        let color = match color {
            Color::Never => false,
            Color::Always => true,
            Color::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
                std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
            }
        };
        let ascii = !is_utf8_locale();
        match (Lane::over(std::io::stdout()), Lane::over(std::io::stderr())) {
            (Ok(out), Ok(err)) => {
                let lanes = Some([out.clone(), err.clone()]);
                Self { lanes, ..Self::new(Box::new(out), Box::new(err), json, color, ascii) }
            }
            // Without threads it is slower to answer, and says the same.
            _ => Self::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()), json, color, ascii),
        }
    }

    /// Nothing beyond ASCII, whatever the locale says.
    pub fn in_ascii(mut self, wanted: bool) -> Self {
        self.ascii |= wanted;
        self
    }

    /// Any two streams.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, json: bool, color: bool, ascii: bool) -> Self {
        let lost = AtomicBool::new(false);
        Self { out: Mutex::new(out), err: Mutex::new(err), json, color, ascii, lost, lanes: None }
    }

    /// Whether something that was to go to standard output was lost.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed) || self.lanes.as_ref().is_some_and(|[out, _]| out.is_behind())
    }

    /// Waits until everything has been read or is lost; `within`: at most so long. A pager may take its time.
    pub fn written(&self, within: Option<Duration>) {
        for lane in self.lanes.iter().flatten() {
            lane.wait(within);
        }
    }

    /// Lets the other stream go first, if that goes soon.
    fn after(&self, other: usize) {
        if let Some(lanes) = &self.lanes {
            lanes[other].wait(Some(IN_ORDER));
        }
    }

    /// One JSON document on a line of its own.
    pub fn document(&self, document: &impl Serialize) {
        match serde_json::to_string(document) {
            Ok(text) => self.write(&format!("{}\n", ascii_json(&redact_json(&text)))),
            Err(_) => self.lost.store(true, Ordering::Relaxed),
        }
    }

    /// One line of text.
    pub fn line(&self, text: &str) {
        self.write(&format!("{}\n", self.safe(text)));
    }

    /// Bytes as they are: what estop itself has made, such as a completion script.
    pub fn verbatim(&self, text: &str) {
        self.write(text);
    }

    /// Rows with aligned columns, two blanks between them.
    pub fn rows(&self, rows: &[Row]) {
        let safe: Vec<Vec<String>> =
            rows.iter().map(|row| row.0.iter().map(|cell| self.safe(&cell.text)).collect()).collect();
        let columns = safe.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| safe.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (row, cells) in rows.iter().zip(&safe) {
            let mut line = String::new();
            for (column, (cell, text)) in row.0.iter().zip(cells).enumerate() {
                let last = column + 1 == cells.len();
                line.push_str(&self.painted(text, cell.tone));
                if !last {
                    line.push_str(&" ".repeat(widths[column].saturating_sub(text.width()) + 2));
                }
            }
            self.write(&format!("{}\n", line.trim_end()));
        }
    }

    /// One sentence on standard error. What cannot be said there is not worth failing for.
    pub fn say(&self, sentence: &str) {
        self.after(0);
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(err, "estop: {}", self.safe(sentence)).and_then(|()| err.flush());
    }

    /// A question on standard error, without an end of line.
    pub fn ask(&self, question: &str) {
        self.after(0);
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = write!(err, "{} ", self.safe(question)).and_then(|()| err.flush());
    }

    fn write(&self, text: &str) {
        self.after(1);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    fn safe(&self, text: &str) -> String {
        // Taken apart because `Untrusted` keeps 4 KiB; text that is safe already comes out as it went in.
        let text = redact(text);
        let mut shown = String::with_capacity(text.len());
        let mut rest = &*text;
        while !rest.is_empty() {
            let (part, next) = rest.split_at(rest.floor_char_boundary(rest.len().min(2048)));
            shown.push_str(&Untrusted::new(part).shown());
            rest = next;
        }
        if self.ascii { ascii_text(&shown) } else { shown }
    }

    fn painted(&self, text: &str, tone: Tone) -> String {
        match tone.code() {
            Some(code) if self.color => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// What a word means, for its colour. The word says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As the terminal has it.
    #[default]
    Plain,
    /// Proved dead.
    Good,
    /// Not proved, waiting, missing.
    Doubt,
    /// Alive.
    Bad,
}

impl Tone {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Doubt => Some("33"),
            Self::Bad => Some("1;31"),
        }
    }

    /// Of a state's word, whichever kind of state it is.
    pub fn of(word: &str) -> Self {
        match word {
            "dark" | "dark-at" | "verified" | "gone" | "restored" => Self::Good,
            "contradicted" => Self::Bad,
            "partial" | "unknown" | "refused" | "unreachable" | "manual" | "retrying" | "unlisted" => Self::Doubt,
            _ => Self::Plain,
        }
    }
}

/// One cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// One row of aligned text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row(Vec<Cell>);

impl Row {
    /// A row that begins with this.
    pub fn of(text: impl Into<String>) -> Self {
        Self::default().with(text)
    }

    /// One cell more.
    pub fn with(mut self, text: impl Into<String>) -> Self {
        self.0.push(Cell { text: text.into(), tone: Tone::Plain });
        self
    }

    /// One cell more, with a state's word.
    pub fn state(mut self, word: &str) -> Self {
        self.0.push(Cell { text: word.to_owned(), tone: Tone::of(word) });
        self
    }
}

/// Every character beyond ASCII as JSON's own escape: no control of any kind reaches a terminal, and no locale matters.
fn ascii_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\x7f' {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn ascii_text(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '…' => out.push_str("..."),
            _ if character.is_ascii() => out.push(character),
            _ => {
                let _ = write!(out, "<U+{:04X}>", u32::from(character));
            }
        }
    }
    out
}

/// As the C library decides: the first of the three that is set says it.
fn is_utf8_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty()).is_some_and(
        |value| {
            let value = value.to_string_lossy().to_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        },
    )
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream that can be read afterwards.
    #[derive(Clone, Default)]
    pub struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// An output whose streams are kept.
    pub fn captured(json: bool, color: bool, ascii: bool) -> (Output, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        (Output::new(Box::new(out.clone()), Box::new(err.clone()), json, color, ascii), out, err)
    }

    #[test]
    fn hostile_text_leaves_escaped_on_both_streams() {
        let hostile = "a\u{1b}[2J\u{9b}b\u{202e}c\x07\x7f\n";
        let (output, out, err) = captured(false, false, false);
        output.line(hostile);
        output.say(hostile);
        output.rows(&[Row::of(hostile).with("x"), Row::of("short").with("y")]);
        output.document(&serde_json::json!({ "name": hostile }));
        let everything = out.text() + &err.text();
        assert!(everything.chars().all(|c| c == '\n' || !c.is_control()), "{everything:?}");
        assert!(!everything.contains('\u{202e}'), "{everything:?}");
        let json = out.text().lines().last().unwrap().to_owned();
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["name"], hostile, "{json}");
    }

    #[test]
    fn no_secret_leaves_by_any_stream() {
        let canary = ["c4n4ry", "of", "the", "output\"s"].join("/");
        let _leaked = crate::domain::LeakedSecret::new(canary.clone().into());
        let token = format!("{}-{}", "glpat", "Ab1_".repeat(5));
        let said = format!("{canary} {token} {}", "x".repeat(3000));
        let (output, out, err) = captured(false, false, false);
        output.line(&said);
        output.say(&said);
        output.ask(&said);
        output.rows(&[Row::of(said.clone()).with("x")]);
        output.document(&serde_json::json!({ "name": said, "list": [said, "plain"] }));
        let everything = out.text() + &err.text();
        assert!(!everything.contains("c4n4ry") && !everything.contains(&token), "{everything}");
        assert_eq!(everything.matches("<leaked-secret> <gitlab-token:sha256:").count(), 6, "{everything}");
        let json: serde_json::Value = serde_json::from_str(out.text().lines().last().unwrap()).unwrap();
        assert_eq!(json["list"][1], "plain");
    }

    #[test]
    fn columns_line_up_whatever_is_in_them() {
        let (output, out, _) = captured(false, true, false);
        output.rows(&[Row::of("日本").state("dark").with("x"), Row::of("a").state("live").with("y")]);
        assert_eq!(out.text(), "日本  \x1b[32mdark\x1b[0m  x\na     live  y\n");
    }

    #[test]
    fn a_plain_locale_gets_ascii() {
        let (output, out, _) = captured(false, false, true);
        output.line("é…");
        assert_eq!(out.text(), "<U+00E9>...\n");
    }

    /// A stream that takes nothing, as a closed pipe or a full disk.
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lost_output_is_remembered() {
        let output = Output::new(Box::new(Full), Box::new(Full), false, false, false);
        output.say("not missed");
        assert!(!output.is_lost());
        output.line("missed");
        assert!(output.is_lost());
    }
}
