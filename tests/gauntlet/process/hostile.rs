//! Names that an attacker chose.

use crate::harness::Options;

/// Control characters of every kind, alone and inside words; and what hides or turns text.
pub const NASTY: [&str; 20] = [
    "\u{1b}[2J",
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]8;;http://x.test\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{1b}P1$r\u{1b}\\",
    "\u{1b}[6n",
    "\u{1b}c",
    "\u{9b}2J",
    "\u{9d}52;c;aGk=\u{9c}",
    "\u{85}",
    "\u{7}",
    "\u{8}\u{8}",
    "\r",
    "\n",
    "\t",
    "\u{7f}",
    "\u{0}",
    "\u{202e}",
    "\u{200b}",
    "e\u{301}\u{301}\u{301}",
];

/// All of them in one word.
pub fn word() -> String {
    NASTY.join("word")
}

/// A realm where clients, users and their words are hostile. Each client is listed as a bot.
pub fn realm() -> Options {
    let mut realm = String::new();
    for (index, nasty) in NASTY.iter().enumerate() {
        let word = quoted(&format!("x{index}{nasty}y"));
        let alone = quoted(nasty);
        realm.push_str(&format!(
            "[[client]]\nclient_id = {word}\nname = {alone}\nservice_account = true\n\
             attributes = {{ chatbot = \"true\", owner = {word}, environment = {alone} }}\n\n"
        ));
    }
    Options { providers: 1, realm, after: "[select]\nattributes = [\"chatbot\"]\n".to_owned(), ..Options::default() }
}

/// A TOML string with nothing in clear that is not printable.
pub fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            ' '..='~' if character != '"' && character != '\\' => character.to_string(),
            other => format!("\\U{:08X}", u32::from(other)),
        })
        .collect();
    format!("\"{escaped}\"")
}
