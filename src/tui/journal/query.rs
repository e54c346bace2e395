//! What is searched in the journal: terms leave lines out, words mark those that match. Pure.

use crate::tui::message::JournalLine;

/// What a term may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Bot,
    Step,
    State,
    Kind,
}

/// The words in front of the colon.
pub const FIELDS: [&str; 4] = ["bot", "step", "state", "kind"];

impl Field {
    fn of(word: &str) -> Option<Self> {
        let at = FIELDS.iter().position(|field| *field == word)?;
        Some([Self::Bot, Self::Step, Self::State, Self::Kind][at])
    }
}

/// How like a field's word must be to be taken for a slip of the finger.
const ALIKE: f64 = 0.8;

/// What is searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<(Field, String)>,
    words: Vec<String>,
    slips: Vec<String>,
}

impl Query {
    /// Of a line that was typed: `bot:sales state:refused role`. A term without a value asks for nothing yet.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for word in text.split_whitespace() {
            let word = word.to_lowercase();
            let (field, value) = word.split_once(':').map_or((None, ""), |(field, value)| (Some(field), value));
            match field.map(|field| (Field::of(field), field)) {
                Some((Some(_), _)) if value.is_empty() => {}
                Some((Some(field), _)) => query.terms.push((field, value.to_owned())),
                Some((None, field)) if FIELDS.iter().any(|known| strsim::jaro_winkler(field, known) > ALIKE) => {
                    query.slips.push(field.to_owned());
                }
                _ => query.words.push(word),
            }
        }
        query
    }

    /// Whether words are searched.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// What looks like the word of a field and is none; those terms are left aside.
    pub fn slips(&self) -> &[String] {
        &self.slips
    }

    /// Whether every term fits a line.
    pub fn keeps(&self, line: &JournalLine) -> bool {
        let has = |text: &str, wanted: &str| text.to_lowercase().contains(wanted);
        self.terms.iter().all(|(field, wanted)| match field {
            Field::Bot => has(&line.bot, wanted),
            Field::Step => !line.step.is_empty() && (has(&line.step, wanted) || has(&line.text, wanted)),
            Field::State => line.state.starts_with(wanted.as_str()),
            Field::Kind => has(&line.kind, wanted),
        })
    }

    /// Whether every word is in a line; false where none are searched.
    pub fn matches(&self, line: &JournalLine) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let text = format!("{} {} {} {}", line.kind, line.text, line.result, line.bot).to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> JournalLine {
        JournalLine {
            kind: "step.answer".to_owned(),
            text: "remove role manage-clients".to_owned(),
            result: "refused 403".to_owned(),
            bot: "Sales".to_owned(),
            step: "corp-sso:id-bot-sales/remove".to_owned(),
            state: "refused".to_owned(),
            ..JournalLine::default()
        }
    }

    #[test]
    fn terms_are_anded_and_words_are_no_terms() {
        for (text, keeps, matches) in [
            ("", true, false),
            ("bot:sal", true, false),
            ("bot:SALES state:refused", true, false),
            ("bot:sales state:verified", false, false),
            ("state:fused", false, false),
            ("step:manage", true, false),
            ("step:corp-sso:id-bot", true, false),
            ("kind:answer", true, false),
            ("kind:verify 403", false, true),
            ("ROLE 403", true, true),
            ("role 404", true, false),
            ("bot: kind:", true, false),
            ("corp-sso:id", true, false),
        ] {
            let query = Query::parse(text);
            assert_eq!((query.keeps(&line()), query.matches(&line())), (keeps, matches), "{text:?}");
        }
        assert!(!Query::parse("step:x").keeps(&JournalLine::default()), "a line of no step");
    }

    #[test]
    fn a_slip_is_told_and_leaves_the_rest_as_it_is() {
        let query = Query::parse("stat:refused bots:x https://a bot:sales");
        assert_eq!(query.slips(), ["stat", "bots"]);
        assert!(query.keeps(&line()));
        assert!(query.has_words());
    }
}
