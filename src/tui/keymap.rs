//! The one table of keys: it feeds dispatch, footer, help and README.

use std::fmt::Write as _;

use terminput::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Context};

mod bound;
mod parse;
mod rebind;

pub use bound::{Bound, Keymap};
pub use rebind::{Misbound, Rebinding};

/// One key as it is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

const fn ch(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: false }
}

const fn ctrl(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: true }
}

const fn named(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

impl Key {
    /// Whether an event is a press of it. Shift is part of a character already; Alt and the like are other keys.
    pub fn matches(self, event: &KeyEvent) -> bool {
        let rest = event.modifiers - KeyModifiers::SHIFT;
        let wanted = if self.ctrl { KeyModifiers::CTRL } else { KeyModifiers::NONE };
        event.code == self.code && rest == wanted
    }

    /// As the help writes it.
    pub fn label(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(character) => character.to_string(),
            KeyCode::F(number) => format!("F{number}"),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("Ctrl-{name}") } else { name }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it asks for.
    pub action: Action,
    /// The keys, the first one is shown in the footer.
    pub keys: &'static [Key],
    /// One or two words for the footer.
    pub label: &'static str,
    /// One sentence for the help; `{isolate}` stands for that action's key.
    pub help: &'static str,
    /// Where it means something.
    pub contexts: &'static [Context],
    /// Whether it cuts: not bound where estop runs read-only.
    pub danger: bool,
    /// Whether the footer has it.
    pub footer: bool,
}

const EVERYWHERE: &[Context] = &Context::ALL;
const LISTS: &[Context] = EVERYWHERE;
const FLEET: &[Context] = &[Context::Fleet];
const RESTORE: &[Context] = &[Context::Restore];
const SCREENS: &[Context] = &[Context::Fleet, Context::Isolation, Context::Journal, Context::Incidents];
const JOURNAL: &[Context] = &[Context::Journal];
const INCIDENTS: &[Context] = &[Context::Incidents];
const SECRET: &[Context] = &[Context::Secret];
/// Where a plan is shown beside the key.
const PLANS: &[Context] = &[Context::Fleet, Context::Secret];
const ELSEWHERE: &[Context] =
    &[Context::Fleet, Context::Isolation, Context::Journal, Context::Incidents, Context::Restore, Context::Help];

const fn row(
    action: Action,
    keys: &'static [Key],
    label: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Binding {
    Binding { action, keys, label, help, contexts, danger: false, footer: false }
}

const fn cuts(binding: Binding) -> Binding {
    Binding { danger: true, footer: true, ..binding }
}

const fn shown(binding: Binding) -> Binding {
    Binding { footer: true, ..binding }
}

/// Every key that is bound by default.
pub const DEFAULT: &[Binding] = &[
    cuts(row(
        Action::Isolate,
        &[ch('X')],
        "isolate",
        "Isolate the bot that is shown: gates shut; tokens, sessions, connectors and grants cut. Asks nothing.",
        PLANS,
    )),
    cuts(row(
        Action::Burn,
        &[ch('B')],
        "burn",
        "Isolate it and end every long-lived secret. Cannot be undone: asks for the bot's name.",
        PLANS,
    )),
    shown(row(
        Action::Retry,
        &[ch('r')],
        "again",
        "Strike again what failed or came alive after dark; finish what another process left.",
        &[Context::Fleet, Context::Isolation],
    )),
    shown(row(
        Action::Confirm,
        &[ch('c')],
        "confirm",
        "Say that a manual step was done: on record as attested, never called proved.",
        &[Context::Isolation],
    )),
    shown(row(
        Action::Try,
        &[ch('p')],
        "try",
        "Use the leaked secret once, at its own provider only: does it still work?",
        SECRET,
    )),
    shown(row(
        Action::Keep,
        &[named(KeyCode::Enter)],
        "keep",
        "Back to the fleet; the secret stays at hand, and {isolate} of its bot ends it.",
        SECRET,
    )),
    shown(row(
        Action::Forget,
        &[named(KeyCode::Esc)],
        "forget",
        "Forget the secret: {isolate} cuts what it would without it.",
        SECRET,
    )),
    shown(row(
        Action::FalseAlarm,
        &[ch('f')],
        "false alarm",
        "Of the two ways back: nothing had leaked, put back everything that can be.",
        RESTORE,
    )),
    shown(row(
        Action::Rotate,
        &[ch('r')],
        "rotate",
        "Of the two ways back: end every credential from before, then open the gate.",
        RESTORE,
    )),
    shown(row(
        Action::Filter,
        &[ch('/')],
        "filter",
        "Filter: letters, owner: env: state: kind: provider: scope: name:, and -term for not.",
        FLEET,
    )),
    shown(row(
        Action::Open,
        &[named(KeyCode::Enter), named(KeyCode::Right), ch('l')],
        "open",
        "Look closer at the selected row.",
        FLEET,
    )),
    shown(row(
        Action::Search,
        &[ch('/')],
        "search",
        "Search the journal: words mark lines; bot:, step:, state: and kind: leave the others out.",
        JOURNAL,
    )),
    shown(row(Action::NextMatch, &[ch(']')], "next match", "The next line that matches.", JOURNAL)),
    shown(row(Action::PreviousMatch, &[ch('[')], "match before", "The line before that matches.", JOURNAL)),
    shown(row(
        Action::Whole,
        &[named(KeyCode::Enter)],
        "whole",
        "Show the step or the line under the cursor with all that is known of it.",
        &[Context::Isolation, Context::Journal],
    )),
    shown(row(
        Action::Open,
        &[named(KeyCode::Enter), named(KeyCode::Right), ch('l')],
        "open",
        "Open the incident from its record: what ran in it, and its journal.",
        INCIDENTS,
    )),
    shown(row(
        Action::Verify,
        &[ch('v')],
        "verify",
        "Check whether the incident's journal is intact and agrees with what was signed of it.",
        INCIDENTS,
    )),
    shown(row(Action::Help, &[ch('?')], "help", "Every key.", EVERYWHERE)),
    shown(row(
        Action::Quit,
        &[ch('q'), ctrl('c')],
        "quit",
        "Leave. An isolation that runs is finished first, without the screen.",
        EVERYWHERE,
    )),
    row(
        Action::NextPane,
        &[named(KeyCode::Tab)],
        "pane",
        "Switch between list and detail; the next bot that a secret opens.",
        PLANS,
    ),
    row(
        Action::FilterActivity,
        &[ch('f')],
        "activity",
        "Filter what the bot did: words, or user: from: action: on: session: outcome: with one.",
        FLEET,
    ),
    row(Action::ShowAll, &[ch('a')], "all", "Show every non-human identity, not only bots.", FLEET),
    row(
        Action::Mark,
        &[ch(' ')],
        "mark",
        "Mark the selected bot. {isolate} then isolates all that are marked, once their number was typed.",
        FLEET,
    ),
    row(Action::Sort, &[ch('s')], "sort", "Order by the next column.", FLEET),
    row(Action::SortReverse, &[ch('S')], "reverse", "Order the other way round.", FLEET),
    row(Action::Group, &[ch('o')], "group", "Put rows together by owner, provider, environment; then not.", FLEET),
    shown(row(
        Action::Previous,
        &[named(KeyCode::Left), ch('h')],
        "previous",
        "The isolation before this one.",
        &[Context::Isolation],
    )),
    shown(row(
        Action::Next,
        &[named(KeyCode::Right), ch('l')],
        "next",
        "The isolation after this one.",
        &[Context::Isolation],
    )),
    row(Action::Back, &[named(KeyCode::Left), ch('h')], "back", "Back to the list.", FLEET),
    row(Action::Up, &[named(KeyCode::Up), ch('k')], "up", "One row up.", LISTS),
    row(Action::Down, &[named(KeyCode::Down), ch('j')], "down", "One row down.", LISTS),
    row(Action::PageUp, &[named(KeyCode::PageUp), ctrl('b')], "page up", "One page up.", LISTS),
    row(Action::PageDown, &[named(KeyCode::PageDown), ctrl('f')], "page down", "One page down.", LISTS),
    row(Action::Top, &[ch('g'), named(KeyCode::Home)], "top", "To the first row.", LISTS),
    row(
        Action::Bottom,
        &[ch('G'), named(KeyCode::End)],
        "bottom",
        "To the last row; the journal follows again.",
        LISTS,
    ),
    row(Action::Back, &[named(KeyCode::Esc)], "back", "One step back: disarm, close, clear the filter.", ELSEWHERE),
    shown(row(Action::Fleet, &[ch('1')], "fleet", "Every bot.", EVERYWHERE)),
    shown(row(Action::Isolations, &[ch('2')], "isolation", "The isolations of this console.", EVERYWHERE)),
    shown(row(Action::Journal, &[ch('J'), ch('3')], "journal", "The journal, as it is written.", EVERYWHERE)),
    shown(row(
        Action::Identify,
        &[ch('i')],
        "identify",
        "Say whose a leaked secret is. Nothing of it is shown or sent; {isolate} of its bot then ends that very secret.",
        &[Context::Fleet, Context::Isolation, Context::Journal, Context::Incidents, Context::Secret],
    )),
    shown(row(
        Action::Restore,
        &[ch('U')],
        "restore",
        "The way back: asks which way, shows what comes back and what cannot, then asks for the bot's name.",
        &[Context::Fleet, Context::Isolation],
    )),
    shown(row(Action::Note, &[ch('n')], "note", "Put a remark on record, with your name and the time.", SCREENS)),
    shown(row(
        Action::HandOver,
        &[ch('H')],
        "hand over",
        "Show what the next responder has to know, and put the hand-over on record.",
        SCREENS,
    )),
    row(
        Action::Copy,
        &[ch('y')],
        "copy",
        "Copy a summary of the isolation, or of the bot and its plan, for a ticket.",
        &[Context::Fleet, Context::Isolation],
    ),
    shown(row(
        Action::Incidents,
        &[ch('4'), ch('I')],
        "incidents",
        "Every incident of this host, open ones first.",
        EVERYWHERE,
    )),
    shown(row(
        Action::Command,
        &[ch(':')],
        "command",
        "Type a command: any action of this table by its name, and bot, open, theme, sort, group, filter, note. Tab completes.",
        EVERYWHERE,
    )),
    row(
        Action::Refresh,
        &[ch('R')],
        "refresh",
        "Read every provider again; on the incidents' screen, the journals.",
        EVERYWHERE,
    ),
    row(Action::Theme, &[ch('t')], "theme", "The next theme.", EVERYWHERE),
    row(Action::Redraw, &[ctrl('l')], "redraw", "Draw the whole screen again.", EVERYWHERE),
    row(Action::Suspend, &[ctrl('z')], "suspend", "Back to the shell; `fg` continues.", EVERYWHERE),
];

/// The keys of a binding, as help and README write them.
pub fn labels(binding: &Binding) -> String {
    binding.keys.iter().map(|key| key.label()).collect::<Vec<_>>().join(" ")
}

/// Where a binding means something, as help and README write it.
pub fn places(binding: &Binding) -> String {
    if binding.contexts.len() == Context::ALL.len() {
        return "everywhere".to_owned();
    }
    if binding.contexts.len() > 2 {
        return "most screens".to_owned();
    }
    binding.contexts.iter().map(|context| context.title().to_lowercase()).collect::<Vec<_>>().join(", ")
}

/// The table as README shows it: one Markdown row a binding.
pub fn readme_table() -> String {
    let mut out = "| keys | where | what |\n|---|---|---|\n".to_owned();
    let usual = Keymap::default();
    for binding in DEFAULT {
        let keys = binding.keys.iter().map(|key| format!("`{}`", key.label())).collect::<Vec<_>>().join(" ");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {keys} | {} | {} |", places(binding), usual.say(binding.help));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice_in_a_context() {
        for context in Context::ALL {
            let mut seen: Vec<(Key, Action)> = Vec::new();
            for binding in DEFAULT.iter().filter(|binding| binding.contexts.contains(&context)) {
                for key in binding.keys {
                    let twice = seen.iter().find(|(other, _)| other == key);
                    assert!(twice.is_none(), "{} in {context:?}: {twice:?} and {}", key.label(), binding.action);
                    seen.push((*key, binding.action));
                }
            }
        }
    }

    #[test]
    fn danger_keys_are_single_plain_capitals() {
        for binding in DEFAULT.iter().filter(|binding| binding.danger) {
            for key in binding.keys {
                assert!(!key.ctrl && matches!(key.code, KeyCode::Char('A'..='Z')), "{}", key.label());
            }
        }
    }

    #[test]
    fn a_key_with_another_modifier_is_another_key() {
        let press = |modifiers| KeyEvent::new(KeyCode::Char('X')).modifiers(modifiers);
        let usual = Keymap::default();
        let found = |modifiers| usual.find(Context::Fleet, &press(modifiers)).map(|binding| binding.action);
        assert_eq!(found(KeyModifiers::SHIFT), Some(Action::Isolate));
        assert_eq!(found(KeyModifiers::NONE), Some(Action::Isolate));
        assert_eq!(found(KeyModifiers::ALT), None);
        assert_eq!(found(KeyModifiers::CTRL), None);
    }

    #[test]
    fn the_table_for_readme_has_every_binding() {
        let table = readme_table();
        assert_eq!(table.lines().count(), DEFAULT.len() + 2);
        assert!(DEFAULT.iter().all(|binding| table.contains(&Keymap::default().say(binding.help))));
    }
}
