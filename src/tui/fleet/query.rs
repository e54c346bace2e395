//! What is typed behind `/`: words, and terms such as `owner:support`, all of which must fit.
//!
//! ```text
//! text ─▶ tokens at blanks ─▶ -negated? ─▶ FIELD:VALUE, a word, or a field that there is not (told, not used)
//! ```

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};

/// What a term looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The bot's or identity's name.
    Name,
    /// Who answers for it.
    Owner,
    /// `production`, `staging` …
    Environment,
    /// The state's word, as the list shows it.
    State,
    /// The kind of any of its identities.
    Kind,
    /// The provider of any of its identities.
    Provider,
    /// Level, verb or resource of any scope that it has; `mint`.
    Scope,
}

impl Field {
    /// Every name that a field has.
    const NAMES: [(&'static str, Self); 8] = [
        ("name", Self::Name),
        ("owner", Self::Owner),
        ("env", Self::Environment),
        ("environment", Self::Environment),
        ("state", Self::State),
        ("kind", Self::Kind),
        ("provider", Self::Provider),
        ("scope", Self::Scope),
    ];

    fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }
}

/// How a word has to be in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its letters in their order, others between them.
    Fuzzy,
    /// `'word`: as it is.
    Literal,
    /// `^word`: at the start.
    Start,
    /// `word$`: at the end.
    End,
}

/// What a term wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A word, anywhere.
    Word(Kind, String),
    /// A field's value, in lower case.
    Value(Field, String),
}

/// One of the terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it wants.
    pub wanted: Wanted,
    /// Whether it wants the opposite: `-word`.
    pub negated: bool,
}

/// A filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// All have to fit.
    pub terms: Vec<Term>,
    /// What was not understood, one sentence each; the rest counts all the same.
    pub problems: Vec<String>,
}

impl Query {
    /// Of what was typed.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for token in text.split_whitespace() {
            let (negated, token) = match token.strip_prefix(['-', '!']) {
                Some(rest) => (true, rest),
                None => (false, token),
            };
            let Some((name, value)) = token.split_once(':').filter(|_| !token.starts_with(['\'', '^'])) else {
                query.terms.extend(word(token).map(|wanted| Term { wanted, negated }));
                continue;
            };
            match Field::named(name) {
                // Nothing is asked for as long as the value is not typed.
                Some(_) if value.is_empty() => {}
                Some(field) => query.terms.push(Term { wanted: Wanted::Value(field, value.to_lowercase()), negated }),
                None => query.problems.push(unknown(name)),
            }
        }
        query
    }

    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether whatever fits this has also fitted `before`: it is then enough to look at what did.
    pub fn narrows(&self, before: &Self) -> bool {
        before.terms.iter().all(|old| self.terms.iter().any(|new| new.implies(old)))
    }

    /// Whether a word asks for the best to come first.
    pub fn ranks(&self) -> bool {
        self.terms.iter().any(|term| !term.negated && matches!(term.wanted, Wanted::Word(..)))
    }
}

impl Term {
    /// Whether what fits this fits the other.
    fn implies(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        if self.negated || other.negated {
            return false;
        }
        match (&self.wanted, &other.wanted) {
            (Wanted::Word(Kind::Fuzzy, new), Wanted::Word(Kind::Fuzzy, old))
            | (Wanted::Word(Kind::Start, new), Wanted::Word(Kind::Start, old)) => new.starts_with(old.as_str()),
            (Wanted::Word(Kind::Literal, new), Wanted::Word(Kind::Literal, old)) => new.contains(old.as_str()),
            // A state is a whole word as soon as it is one: `dark` is not `dark-at`.
            (Wanted::Value(Field::State, _), _) => false,
            (Wanted::Value(field, new), Wanted::Value(of, old)) => field == of && new.contains(old.as_str()),
            _ => false,
        }
    }
}

/// A word and how it is wanted; `None`: nothing is.
fn word(token: &str) -> Option<Wanted> {
    let (kind, text) = match token.strip_prefix('\'') {
        Some(rest) => (Kind::Literal, rest),
        None => match (token.strip_prefix('^'), token.strip_suffix('$')) {
            (Some(rest), _) => (Kind::Start, rest),
            (None, Some(rest)) => (Kind::End, rest),
            (None, None) => (Kind::Fuzzy, token),
        },
    };
    (!text.is_empty()).then(|| Wanted::Word(kind, text.to_owned()))
}

/// The matcher's own form of a word.
pub fn atom(kind: Kind, text: &str) -> Atom {
    let kind = match kind {
        Kind::Fuzzy => AtomKind::Fuzzy,
        Kind::Literal => AtomKind::Substring,
        Kind::Start => AtomKind::Prefix,
        Kind::End => AtomKind::Postfix,
    };
    Atom::new(text, CaseMatching::Ignore, Normalization::Smart, kind, false)
}

fn unknown(name: &str) -> String {
    let near = Field::NAMES.iter().map(|(known, _)| (strsim::damerau_levenshtein(known, &name.to_lowercase()), *known));
    match near.min().filter(|(distance, _)| *distance <= 2) {
        Some((_, known)) => format!("no field {name}: did you mean {known}?"),
        None => format!("no field {name}: there are name owner env state kind provider scope"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: Field, value: &str) -> Term {
        Term { wanted: Wanted::Value(field, value.to_owned()), negated: false }
    }

    fn fuzzy(text: &str) -> Term {
        Term { wanted: Wanted::Word(Kind::Fuzzy, text.to_owned()), negated: false }
    }

    #[test]
    fn terms_are_read() {
        let no = |term: Term| Term { negated: true, ..term };
        for (text, terms) in [
            ("", vec![]),
            ("  ", vec![]),
            ("pay", vec![fuzzy("pay")]),
            ("owner:Support pay", vec![value(Field::Owner, "support"), fuzzy("pay")]),
            ("env:prod environment:x", vec![value(Field::Environment, "prod"), value(Field::Environment, "x")]),
            ("-state:dark", vec![no(value(Field::State, "dark"))]),
            ("-pay !roll", vec![no(fuzzy("pay")), no(fuzzy("roll"))]),
            ("owner:", vec![]),
            ("-", vec![]),
            ("'", vec![]),
            ("^", vec![]),
            ("'a:b", vec![Term { wanted: Wanted::Word(Kind::Literal, "a:b".to_owned()), negated: false }]),
            ("^a", vec![Term { wanted: Wanted::Word(Kind::Start, "a".to_owned()), negated: false }]),
            ("a$", vec![Term { wanted: Wanted::Word(Kind::End, "a".to_owned()), negated: false }]),
        ] {
            let query = Query::parse(text);
            assert_eq!((query.terms, query.problems), (terms, vec![]), "{text}");
        }
    }

    #[test]
    fn a_misspelt_field_is_told_and_the_rest_goes_on() {
        let query = Query::parse("onwer:support pay");
        assert_eq!(query.problems, ["no field onwer: did you mean owner?"]);
        assert_eq!(query.terms, [fuzzy("pay")]);
        let query = Query::parse("colour:red");
        assert_eq!(query.problems, ["no field colour: there are name owner env state kind provider scope"]);
    }

    #[test]
    fn what_narrows_what() {
        for (new, old, narrows) in [
            ("pay", "", true),
            ("pay", "pa", true),
            ("pa", "pay", false),
            ("payroll -x", "pay", true),
            ("pay -xy", "pay -x", false),
            ("owner:sup", "owner:su", true),
            ("owner:su", "own", false),
            ("provider:sup", "owner:su", false),
            ("state:dark-at", "state:dark", false),
            ("'ab", "a", false),
            ("ab$", "b$", false),
            ("b c", "b", true),
        ] {
            assert_eq!(Query::parse(new).narrows(&Query::parse(old)), narrows, "{new} after {old}");
        }
    }
}
