//! A responder's own keys over the table's: checked as a whole before the screen opens.

use terminput::KeyCode;

use super::{Key, Keymap, parse::parse};
use crate::{
    domain::Untrusted,
    tui::action::{Action, Context},
};

/// What unbinds an action.
const NOTHING: &str = "no-op";
/// An action that is spelt less alike is not offered.
const LIKE: f64 = 0.75;

/// One action's own keys, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebinding {
    /// The action's id.
    pub action: String,
    /// Its keys in place of the table's; none, or `no-op`: it is unbound.
    pub keys: Vec<String>,
    /// Where that was written: `FILE:LINE`.
    pub place: String,
}

/// Keys that cannot be bound so; where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Misbound {
    /// `FILE:LINE`.
    pub place: String,
    /// One sentence.
    pub what: String,
}

impl Keymap {
    /// The table with a responder's own keys. Each change takes the place of all keys of its action, on every screen.
    ///
    /// # Errors
    /// [`Misbound`] at the first change that names no action or no key, would leave no way out, puts what cuts on a key
    /// that hands press by habit, or gives one key two meanings on one screen.
    pub fn rebound(changes: &[Rebinding]) -> Result<Self, Misbound> {
        let mut keymap = Self::default();
        for change in changes {
            let keys = keymap.read(change).map_err(|what| Misbound { place: change.place.clone(), what })?;
            for row in keymap.rows.iter_mut().filter(|row| row.binding.action.id() == change.action) {
                row.keys.clone_from(&keys);
            }
        }
        for change in changes {
            if let Some(what) = keymap.clash(&change.action) {
                return Err(Misbound { place: change.place.clone(), what });
            }
        }
        Ok(keymap)
    }

    fn read(&self, change: &Rebinding) -> Result<Vec<Key>, String> {
        let Rebinding { action, keys, .. } = change;
        let rows = || self.rows.iter().filter(|row| row.binding.action.id() == *action);
        if rows().next().is_none() {
            let shown = Untrusted::new(action.as_str()).shown_in(60);
            return Err(format!("no action is named {shown}: {}", self.nearest(action)));
        }
        if keys.len() > 1 && keys.iter().any(|key| key == NOTHING) {
            return Err(format!("{action}: {NOTHING} unbinds it and stands alone"));
        }
        let mut read = Vec::new();
        for text in keys.iter().filter(|key| *key != NOTHING) {
            let shown = Untrusted::new(text.as_str()).shown_in(30);
            let key = parse(text).map_err(|why| format!("{action}: {shown} is no key: {why}"))?;
            if rows().any(|row| row.binding.danger) && !is_deliberate(key) {
                return Err(format!(
                    "{action} cuts, and {} is pressed by habit: give it a single plain character, without Ctrl",
                    key.label()
                ));
            }
            read.push(key);
        }
        if read.is_empty() && rows().any(|row| row.binding.action == Action::Quit) {
            return Err(format!("{action} needs a key: without one there is no way out"));
        }
        Ok(read)
    }

    /// A key of an action that means something else on the same screen.
    fn clash(&self, action: &str) -> Option<String> {
        let mine = || self.rows.iter().filter(|row| row.binding.action.id() == *action);
        let others = || self.rows.iter().filter(|row| row.binding.action.id() != *action);
        for context in Context::ALL {
            let here = |contexts: &[Context]| contexts.contains(&context);
            for row in mine().filter(|row| here(row.binding.contexts)) {
                for other in others().filter(|other| here(other.binding.contexts)) {
                    if let Some(key) = row.keys.iter().find(|key| other.keys.contains(key)) {
                        return Some(format!(
                            "{} would mean {action} and {} on the screen {}: give one of them another key",
                            key.label(),
                            other.binding.action.id(),
                            context.title()
                        ));
                    }
                }
            }
        }
        None
    }

    fn nearest(&self, word: &str) -> String {
        let mut ids: Vec<String> = self.rows.iter().map(|row| row.binding.action.id()).collect();
        ids.dedup();
        let like = |id: &str| strsim::jaro_winkler(word, id);
        match ids.iter().max_by(|a, b| like(a).total_cmp(&like(b))) {
            Some(near) if like(near) > LIKE => format!("did you mean {near}?"),
            _ => format!("there are {}", ids.join(", ")),
        }
    }
}

/// Whether hands press it on purpose only: a printable character by itself. Habits of shells and multiplexers hit Ctrl
/// and a letter, and Enter, Space and arrows are pressed to read on.
fn is_deliberate(key: Key) -> bool {
    !key.ctrl && matches!(key.code, KeyCode::Char(character) if !character.is_whitespace())
}

#[cfg(test)]
mod tests {
    use terminput::KeyEvent;

    use super::*;

    fn change(action: &str, keys: &[&str]) -> Rebinding {
        Rebinding {
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: "config.toml:7".to_owned(),
        }
    }

    fn found(keymap: &Keymap, context: Context, character: char) -> Option<Action> {
        keymap.find(context, &KeyEvent::new(KeyCode::Char(character))).map(|binding| binding.action)
    }

    #[test]
    fn ones_own_keys_take_the_place_of_the_tables() {
        let keymap =
            Keymap::rebound(&[change("isolate", &["x"]), change("filter", &["/", "F"]), change("refresh", &[])]);
        let keymap = keymap.unwrap();
        assert_eq!(found(&keymap, Context::Fleet, 'x'), Some(Action::Isolate));
        assert_eq!(found(&keymap, Context::Fleet, 'X'), None);
        assert_eq!(found(&keymap, Context::Fleet, 'F'), Some(Action::Filter));
        assert_eq!(found(&keymap, Context::Restore, 'f'), Some(Action::FalseAlarm), "another screen");
        assert_eq!(found(&keymap, Context::Restore, 'F'), None, "it filters nothing there");
        assert_eq!(found(&keymap, Context::Fleet, 'R'), None);
        assert_eq!(keymap.label(Action::Isolate), "x");
        assert_eq!(keymap.label(Action::Refresh), "refresh (no key)");
        assert_eq!(keymap.say("{isolate} cuts"), "x cuts");
        let keymap = Keymap::rebound(&[change("refresh", &["no-op"])]).unwrap();
        assert_eq!(found(&keymap, Context::Fleet, 'R'), None);
    }

    #[test]
    fn two_actions_may_change_places() {
        let keymap = Keymap::rebound(&[change("isolate", &["B"]), change("burn", &["X"])]).unwrap();
        assert_eq!(found(&keymap, Context::Fleet, 'B'), Some(Action::Isolate));
        assert_eq!(found(&keymap, Context::Fleet, 'X'), Some(Action::Burn));
    }

    #[test]
    fn what_cannot_be_bound_says_where_and_why() {
        for (action, keys, says) in [
            ("isolat", &["x"][..], "did you mean isolate?"),
            ("zzz", &["x"], "there are isolate, burn"),
            ("isolate", &["ctrl-x"], "isolate cuts, and Ctrl-x is pressed by habit"),
            ("isolate", &["enter"], "Enter is pressed by habit"),
            ("burn", &["down"], "Down is pressed by habit"),
            ("burn", &["space"], "Space is pressed by habit"),
            ("isolate", &["B"], "B would mean isolate and burn on the screen Fleet"),
            ("theme", &["x", "no-op"], "stands alone"),
            ("theme", &["hyper-x"], "hyper-x is no key"),
            ("quit", &[], "no way out"),
        ] {
            let error = Keymap::rebound(&[change(action, keys)]).unwrap_err();
            assert!(error.what.contains(says), "{action} {keys:?}: {error}");
            assert!(error.to_string().starts_with("config.toml:7: "), "{error}");
        }
    }

    #[test]
    fn ids_are_the_names_in_kebab_case() {
        for (action, id) in [
            (Action::Isolate, "isolate"),
            (Action::PageUp, "page-up"),
            (Action::HandOver, "hand-over"),
            (Action::FalseAlarm, "false-alarm"),
        ] {
            assert_eq!(action.id(), id);
        }
        for row in Keymap::default().rows() {
            let folded = row.binding.action.id().replace('-', "");
            assert_eq!(folded, format!("{:?}", row.binding.action).to_lowercase());
        }
    }
}
