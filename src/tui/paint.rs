//! Text on its way into a buffer: the one place through which every character of a screen goes.
//!
//! Secrets are replaced by marks. What a provider said is escaped where it is taken in ([`Look::text`]) and once more here, because the library's
//! buffers filter nothing. Without a UTF-8 locale everything beyond ASCII becomes `<U+202E>` and its like.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{state::Look, theme::Role};
use crate::domain::{BotState, Untrusted, fit, redact};

/// A stretch of text of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub role: Role,
    /// What it says.
    pub text: String,
}

/// One line of a screen.
pub type Line = Vec<Piece>;

/// A stretch of text.
pub fn piece(role: Role, text: impl Into<String>) -> Piece {
    Piece { role, text: text.into() }
}

impl Look {
    /// Text that anybody may have chosen, safe for the terminal and in the locale's characters.
    pub fn text(&self, text: &str) -> String {
        let shown = Untrusted::new(redact(text)).shown();
        if self.glyphs.is_unicode() || shown.is_ascii() {
            return shown;
        }
        let mut out = String::with_capacity(shown.len());
        for character in shown.chars() {
            if character.is_ascii() {
                out.push(character);
            } else if character == '…' {
                out.push('~');
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "<U+{:04X}>", character as u32);
            }
        }
        out
    }

    /// The same of an optional text; nothing becomes a dash.
    pub fn maybe(&self, text: Option<&Untrusted>) -> String {
        text.filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), |text| self.text(text.raw()))
    }

    /// Text cut to `width` columns, with a mark where something is missing.
    pub fn fit(&self, text: &str, width: usize) -> String {
        // Before it is cut: a part of a secret is not recognised any more.
        fit(&redact(text), width, self.glyphs.more())
    }

    /// A name or an id cut to `width` columns in its middle: what tells it from its like is at its ends.
    pub fn fit_middle(&self, text: &str, width: usize) -> String {
        let text = redact(text);
        if text.width() <= width {
            return text.into_owned();
        }
        let Some(room) = width.checked_sub(self.glyphs.more().width()) else { return String::new() };
        let take = |graphemes: &mut dyn Iterator<Item = &str>, room: usize| {
            let mut used = 0;
            let fits = graphemes.take_while(|grapheme| {
                used += grapheme.width();
                used <= room
            });
            fits.map(str::len).sum::<usize>()
        };
        let head = take(&mut text.graphemes(true), room - room / 2);
        let tail = take(&mut text[head..].graphemes(true).rev(), room / 2);
        format!("{}{}{}", &text[..head], self.glyphs.more(), &text[text.len() - tail..])
    }

    /// The same, padded to exactly `width` columns.
    pub fn cell_middle(&self, text: &str, width: usize) -> String {
        let mut out = self.fit_middle(text, width);
        out.push_str(&" ".repeat(width.saturating_sub(out.width())));
        out
    }

    /// Text cut or padded to exactly `width` columns.
    pub fn cell(&self, text: &str, width: usize) -> String {
        let mut out = self.fit(text, width);
        out.push_str(&" ".repeat(width.saturating_sub(out.width())));
        out
    }

    /// A bot's state: sign, word and role.
    pub fn state(&self, state: BotState) -> Piece {
        piece(state.into(), format!("{} {}", self.glyphs.bot(state), state.word()))
    }

    /// Breaks a text into lines of at most `width` columns, at spaces where there are any.
    pub fn wrap(&self, text: &str, width: usize) -> Vec<String> {
        let width = width.max(8);
        let mut lines = vec![String::new()];
        let text = redact(text);
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let mut word = word.to_owned();
            while let Some(line) = lines.last_mut() {
                let gap = usize::from(!line.is_empty());
                if line.width() + gap + word.width() <= width {
                    line.push_str(&" ".repeat(gap));
                    line.push_str(&word);
                    break;
                }
                if line.is_empty() {
                    // Longer than a line: broken where it must be, nothing of it is lost.
                    let cut = break_at(&word, width);
                    line.push_str(&word[..cut]);
                    word = word.split_off(cut);
                }
                lines.push(String::new());
            }
        }
        lines
    }
}

fn break_at(word: &str, width: usize) -> usize {
    let mut used = 0;
    for (index, grapheme) in word.grapheme_indices(true) {
        used += grapheme.width();
        if used > width && index > 0 {
            return index;
        }
    }
    word.len()
}

/// How wide a text is.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// How wide a line is.
pub fn width(line: &[Piece]) -> usize {
    line.iter().map(|piece| piece.text.width()).sum()
}

/// A buffer with a look.
#[derive(Debug)]
pub struct Paint<'a> {
    /// Where it goes.
    pub buffer: &'a mut Buffer,
    /// What it looks like.
    pub look: &'a Look,
}

impl Paint<'_> {
    /// Puts a line at a place, cut to `width`. Whether it was shown in full.
    pub fn line(&mut self, x: u16, y: u16, width: u16, line: &[Piece]) -> bool {
        let area = *self.buffer.area();
        if y < area.y || y >= area.bottom() || x >= area.right() {
            return false;
        }
        let width = width.min(area.right() - x);
        let mut at = x;
        for piece in line {
            let left = usize::from(x + width - at);
            let text = self.look.text(&piece.text);
            // Redacted already.
            let fitted = fit(&text, left, self.look.glyphs.more());
            at = self.buffer.set_stringn(at, y, &fitted, left, self.style(piece.role)).0;
            if fitted != text {
                return false;
            }
        }
        true
    }

    /// Puts lines one below the other, from an offset on; where some are left, the last row says how many.
    pub fn lines(&mut self, area: Rect, lines: &[Line], offset: usize) {
        let rows = usize::from(area.height);
        let left = lines.len().saturating_sub(offset);
        let shown = if left > rows { rows.saturating_sub(1) } else { left };
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(offset).take(shown)) {
            self.line(area.x, y, area.width, line);
        }
        if left > rows && rows > 0 {
            let more = format!(" {} {} more below", self.look.glyphs.more(), left - shown);
            self.line(area.x, area.bottom() - 1, area.width, &[piece(Role::Dim, more)]);
        }
    }

    /// Fills an area with blanks of a role.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        let area = area.intersection(*self.buffer.area());
        for position in area.positions() {
            self.buffer[position].reset();
            self.buffer[position].set_style(style);
        }
    }

    /// A line across, with a title and something at its right end.
    pub fn rule(&mut self, area: Rect, title: &[Piece], right: &[Piece]) {
        let rule = self.look.glyphs.rule();
        let ends = width(right);
        let used = width(title) + usize::from(!title.is_empty()) * 2 + 1;
        let tail = if ends == 0 { 0 } else { ends + 3 };
        let gap = usize::from(area.width).saturating_sub(used + tail);
        let mut line = vec![piece(Role::Border, rule)];
        if !title.is_empty() {
            line.push(piece(Role::Text, " "));
            line.extend_from_slice(title);
            line.push(piece(Role::Text, " "));
        }
        line.push(piece(Role::Border, rule.repeat(gap)));
        if ends > 0 {
            line.push(piece(Role::Text, " "));
            line.extend_from_slice(right);
            line.push(piece(Role::Text, " "));
            line.push(piece(Role::Border, rule));
        }
        self.line(area.x, area.y, area.width, &line);
    }

    fn style(&self, role: Role) -> Style {
        self.look.theme.style(role)
    }
}

/// How long ago, in the coarsest unit that tells enough. Under a minute is one word, so that nothing ticks.
pub fn ago(now: Timestamp, at: Option<Timestamp>) -> String {
    let Some(at) = at else { return "never".to_owned() };
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => "<1m".to_owned(),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A time of day, UTC; with the date where it is not today.
pub fn clock(now: Timestamp, at: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let format = if day(now) == day(at) { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%MZ" };
    at.strftime(format).to_string()
}

/// A time that is left: seconds under ten minutes, minutes and hours beyond.
pub fn left(until: SignedDuration) -> String {
    let seconds = until.as_secs().max(0);
    match seconds {
        0..600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        600..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A measured time.
pub fn took(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..7_200_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::theme::{Capability, Glyphs, Theme};

    fn look(glyphs: Glyphs) -> Look {
        Look { theme: Theme::built_in(Capability::Sixteen), themes_dir: None, capability: Capability::Sixteen, glyphs }
    }

    proptest! {
        #[test]
        fn whatever_is_painted_is_printable_and_stays_in_its_width(text in any::<String>(), width in 0u16..30) {
            for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
                let look = look(glyphs);
                let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
                let line = [piece(Role::Text, text.clone())];
                Paint { buffer: &mut buffer, look: &look }.line(2, 0, width, &line);
                for (x, cell) in buffer.content().iter().enumerate() {
                    prop_assert!(!cell.symbol().chars().any(char::is_control));
                    prop_assert!(glyphs.is_unicode() || cell.symbol().is_ascii());
                    prop_assert!(cell.symbol() == " " || (2..2 + usize::from(width)).contains(&x));
                }
            }
        }

        #[test]
        fn a_cut_in_the_middle_keeps_both_ends(text in "[a-zé漢]{0,40}", width in 0usize..30) {
            let look = look(Glyphs::UNICODE);
            let fitted = look.fit_middle(&text, width);
            prop_assert!(fitted.width() <= width);
            prop_assert_eq!(look.cell_middle(&text, width).width(), width);
            match fitted.split_once('…') {
                Some((head, tail)) => {
                    prop_assert!(text.width() > width && text.starts_with(head) && text.ends_with(tail));
                    prop_assert!(head.width() + tail.width() + 4 >= width, "no more is lost than must be");
                }
                None => prop_assert!(fitted == text || width == 0),
            }
        }

        #[test]
        fn wrapping_loses_nothing(text in "[a-z ]{0,80}", width in 8usize..30) {
            let lines = look(Glyphs::UNICODE).wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }

    #[test]
    fn no_secret_is_painted_nor_a_part_of_one() {
        let canary = ["c4n4ry", "on", "the", "screen"].join("-");
        let _leaked = crate::domain::LeakedSecret::new(canary.clone().into());
        for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
            let look = look(glyphs);
            let said = format!("it said {canary} to us");
            let mut painted = look.wrap(&said, 10).concat() + &look.cell(&said, 14) + &look.text(&said);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
            Paint { buffer: &mut buffer, look: &look }.line(0, 0, 16, &[piece(Role::Text, said)]);
            painted.extend(buffer.content().iter().map(ratatui::buffer::Cell::symbol));
            assert!(!painted.contains("c4n"), "{painted}");
        }
    }

    #[test]
    fn times_read_calmly() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (seconds, text) in [(0, "<1m"), (59, "<1m"), (61, "1m"), (7300, "2h"), (200_000, "2d")] {
            let at = now.checked_sub(SignedDuration::from_secs(seconds)).ok();
            assert_eq!(ago(now, at), text);
        }
        assert_eq!(ago(now, None), "never");
        assert_eq!(left(SignedDuration::from_secs(61)), "1:01");
        assert_eq!(left(SignedDuration::from_secs(601)), "10 min");
        assert_eq!(took(38), "38 ms");
        assert_eq!(took(4230), "4.2 s");
        assert_eq!(took(36_000_000), "10 h 0 min");
        assert_eq!(clock(now, now), "12:00:00Z");
    }
}
