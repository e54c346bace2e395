//! The detail's own state: which of a bot's activity is shown.

use tui_input::Input;

use crate::domain::{Activity, Untrusted};

/// A filter over what a bot did: words that must all be found, some of them in one field.
#[derive(Debug, Default)]
pub struct ActivityFilter {
    /// What was typed.
    pub input: Input,
    /// Whether keys go into it.
    pub editing: bool,
}

/// Where a term is looked for.
type Field = fn(&Activity) -> Option<&Untrusted>;

/// Fields that a term may name.
const FIELDS: [(&str, Field); 6] = [
    ("user", |one| one.on_behalf_of.as_ref()),
    ("from", |one| one.from.as_ref()),
    ("action", |one| Some(&one.action)),
    ("on", |one| one.resource.as_ref()),
    ("session", |one| one.session.as_ref()),
    ("outcome", |one| Some(&one.outcome)),
];

/// The fields, as the footer tells them.
pub const TERMS: &str = "user: from: action: on: session: outcome:";

impl ActivityFilter {
    /// Whether anything is filtered.
    pub fn is_set(&self) -> bool {
        !self.input.value().trim().is_empty()
    }

    /// Shows everything again.
    pub fn clear(&mut self) {
        self.input.reset();
        self.editing = false;
    }

    /// Whether something that was done is shown: each term is in the field that it names, else in any.
    pub fn lets(&self, activity: &Activity) -> bool {
        self.input.value().split_whitespace().all(|term| {
            let term = term.to_lowercase();
            let is_in = |text: Option<&Untrusted>, wanted: &str| {
                text.is_some_and(|text| text.shown().to_lowercase().contains(wanted))
            };
            let named = term.split_once(':').and_then(|(name, wanted)| {
                let (_, field) = FIELDS.iter().find(|(known, _)| *known == name)?;
                Some((field, wanted))
            });
            match named {
                Some((field, wanted)) => is_in(field(activity), wanted),
                None => FIELDS.iter().any(|(_, field)| is_in(field(activity), &term)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> ActivityFilter {
        ActivityFilter { input: text.into(), editing: false }
    }

    #[test]
    fn terms_are_looked_for_where_they_say() {
        let activity = Activity {
            at: jiff::Timestamp::UNIX_EPOCH,
            action: "CLIENT_LOGIN".into(),
            resource: Some("crm".into()),
            on_behalf_of: Some("Alice".into()),
            session: None,
            from: Some("10.1.2.3".into()),
            outcome: "success".into(),
        };
        for (text, lets) in [
            ("", true),
            ("  ", true),
            ("alice", true),
            ("user:ali", true),
            ("user:10.1", false),
            ("from:10.1 action:login", true),
            ("from:10.1 action:logout", false),
            ("session:3f", false),
            ("user:", true),
            ("session:", false),
            ("nothing:alice", false),
            ("outcome:success on:CRM", true),
        ] {
            assert_eq!(filter(text).lets(&activity), lets, "{text}");
        }
    }
}
