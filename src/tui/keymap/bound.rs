//! The keys as they are bound here: the table's, or a responder's own in their place.

use terminput::KeyEvent;

use super::{Binding, DEFAULT, Key};
use crate::tui::action::{Action, Context};

/// One row of the table with the keys that it has here.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The row.
    pub binding: &'static Binding,
    /// Its keys, the first one is shown in the footer; none: it is unbound.
    pub keys: Vec<Key>,
}

impl Bound {
    /// The keys, as the help writes them.
    pub fn labels(&self) -> String {
        if self.keys.is_empty() {
            return "no key".to_owned();
        }
        self.keys.iter().map(|key| key.label()).collect::<Vec<_>>().join(" ")
    }
}

/// Every row with its keys: what dispatch, footer and help go by.
#[derive(Debug, Clone)]
pub struct Keymap {
    pub(super) rows: Vec<Bound>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { rows: DEFAULT.iter().map(|binding| Bound { binding, keys: binding.keys.to_vec() }).collect() }
    }
}

impl Keymap {
    /// Every row, in the table's order, also those without a key.
    pub fn rows(&self) -> &[Bound] {
        &self.rows
    }

    /// What a key means in a context.
    pub fn find(&self, context: Context, event: &KeyEvent) -> Option<&'static Binding> {
        let pressed =
            |row: &&Bound| row.binding.contexts.contains(&context) && row.keys.iter().any(|key| key.matches(event));
        self.rows.iter().find(pressed).map(|row| row.binding)
    }

    /// The first key of an action, for sentences on the screen. Without one, the action's name: no key is promised that
    /// does nothing.
    pub fn label(&self, action: Action) -> String {
        let rows = self.rows.iter().filter(|row| row.binding.action == action && !row.keys.is_empty());
        // Of several rows the one that holds on most screens: `Esc` for back, rather than an arrow in the list.
        let first = rows.max_by_key(|row| row.binding.contexts.len()).and_then(|row| row.keys.first());
        first.map_or_else(|| format!("{} (no key)", action.id()), |key| key.label())
    }

    /// A sentence of the table with the keys of the actions that it names in braces.
    pub fn say(&self, text: &str) -> String {
        let mut said = text.to_owned();
        for row in &self.rows {
            let mark = format!("{{{}}}", row.binding.action.id());
            if said.contains(&mark) {
                said = said.replace(&mark, &self.label(row.binding.action));
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_keeps_a_brace() {
        let usual = Keymap::default();
        for row in usual.rows() {
            let said = usual.say(row.binding.help);
            assert!(!said.contains(['{', '}']), "{said}");
        }
        assert_eq!(usual.say("{isolate} cuts"), "X cuts");
    }
}
