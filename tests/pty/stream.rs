//! What may reach a terminal: printable text, line ends, and a short list of sequences.

/// Final bytes and parameters of control sequences that the console may send.
fn is_allowed(parameters: &str, last: char) -> bool {
    let numbers = parameters.chars().all(|c| c.is_ascii_digit() || c == ';');
    match last {
        // Colours and modifiers; the cursor to a place, a column, a row, or a few cells on; erase to the end of the line
        // or so many cells; a region whose rows move.
        'm' | 'H' | 'G' | 'd' | 'A' | 'B' | 'C' | 'D' | 'K' | 'X' | 'r' => numbers,
        'J' => parameters == "2",
        // Where the terminal stands: its answer says that the frame has been worked off.
        'n' => parameters == "5",
        // Alternate screen, cursor, brackets around pasted text, frames shown at once.
        'h' | 'l' => ["?1049", "?25", "?2004", "?2026"].contains(&parameters),
        // Whether the terminal knows the last of these.
        'p' => parameters == "?2026$",
        _ => false,
    }
}

/// One row up, which at the top of a region moves its rows down.
const REVERSE_LINE_FEED: &str = "\x1bM";

/// Everything else that is in the bytes, escaped.
pub fn strangers(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    let mut rest = text.as_ref();
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let end = sequence.find(|c: char| !(' '..='?').contains(&c));
            let last = end.and_then(|end| sequence[end..].chars().next());
            match end.zip(last) {
                Some((end, last)) if is_allowed(&sequence[..end], last) => length = 2 + end + last.len_utf8(),
                _ => found.push(rest.chars().take(12).collect::<String>().escape_debug().to_string()),
            }
        } else if first == '\n' {
            // To the next row, and a few columns back.
            length = 1 + rest[1..].bytes().take_while(|byte| *byte == 0x08).count();
        } else if rest.starts_with(REVERSE_LINE_FEED) {
            length = REVERSE_LINE_FEED.len();
        } else if is_strange(first) {
            found.push(rest.chars().take(12).collect::<String>().escape_debug().to_string());
        }
        rest = &rest[length..];
    }
    found
}

fn is_strange(character: char) -> bool {
    let control = character.is_control() && !matches!(character, '\r' | '\n');
    // Direction, joiners, tags, and what stands for bytes that are no text.
    let invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffd}' | '\u{e0000}'..='\u{e0fff}');
    control || invisible
}

/// The parameters of every colour that was set.
pub fn colours(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let end = sequence.find(|c: char| !(' '..='?').contains(&c)).unwrap_or(sequence.len());
        if sequence[end..].starts_with('m') {
            let codes = sequence[..end].split(';').filter_map(|code| code.parse::<u16>().ok());
            // 39 and 49 are the terminal's own colours.
            let set = |code: &u16| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107);
            found.extend(codes.filter(set).take(1).map(|_| sequence[..end].to_owned()));
        }
    }
    found
}
