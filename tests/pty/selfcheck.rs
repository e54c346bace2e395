//! The check of what reaches a terminal can fail.

use super::stream::{colours, strangers};

#[test]
fn strangers_are_found() {
    for good in
        ["plain ü ● text\r\n", "\x1b[?1049h\x1b[2J\x1b[1;31mred\x1b[m\x1b[5n\x1b[?25l", "\x1b[12;3H\x1b[4C\x1b[K"]
    {
        assert_eq!(strangers(good.as_bytes()), Vec::<String>::new(), "{good:?}");
    }
    for bad in [
        "\x1b]52;c;aGk=\x07",
        "\x1b]0;title\x1b\\",
        "\x1bPq\x1b\\",
        "\x1b[6n",
        "\x1b[?1000h",
        "\x1b[3J",
        "\x1bc",
        "\u{9b}2J",
        "a\x08b",
        "a\tb",
        "\x07",
        "\x7f",
        "a\u{202e}b",
        "a\u{200b}b",
        "\x1b[>4;1m",
    ] {
        assert!(!strangers(bad.as_bytes()).is_empty(), "{bad:?}");
    }
    assert!(!strangers(b"\xff").is_empty());
}

#[test]
fn colours_are_found() {
    assert_eq!(colours(b"\x1b[1;31ma\x1b[0;39;49m\x1b[38;5;4mb\x1b[7mc\x1b[31H"), ["1;31", "38;5;4"]);
}
