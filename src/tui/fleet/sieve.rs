//! Whether an entry fits a query, and how well.

use nucleo_matcher::{Config, Matcher, Utf32Str, pattern::Atom};

use super::{
    index::{Entry, Index, bit},
    query::{Field, Kind, Query, Wanted, atom},
};

/// Words of states: as soon as one is typed whole, it is meant as it is.
const STATES: [&str; 9] =
    ["live", "isolating", "dark", "dark-at", "partial", "contradicted", "unknown", "gated", "gone"];

/// A word, ready to be looked for.
struct Word {
    /// Its letters in lower case, where it is looked for letter by letter and is plain ASCII.
    letters: Option<Vec<u8>>,
    atom: Atom,
    negated: bool,
}

/// A query over an index. Each thread has one of its own.
pub struct Sieve<'a> {
    index: &'a Index,
    /// Letters that a text has to have.
    mask: u64,
    /// Whether the mask alone tells: one letter and nothing more.
    by_mask: bool,
    words: Vec<Word>,
    values: Vec<(Field, &'a str, bool)>,
    engine: Matcher,
    chars: Vec<char>,
    text: String,
}

impl<'a> Sieve<'a> {
    /// Of a query.
    pub fn new(index: &'a Index, query: &'a Query) -> Self {
        let (mut mask, mut words, mut values) = (0, Vec::new(), Vec::new());
        for term in &query.terms {
            match &term.wanted {
                Wanted::Value(field, value) => values.push((*field, value.as_str(), term.negated)),
                Wanted::Word(kind, text) => {
                    if !term.negated {
                        mask |= text.bytes().filter_map(bit).fold(0, |mask, bit| mask | bit);
                    }
                    let is_plain = *kind == Kind::Fuzzy && text.is_ascii();
                    let letters = is_plain.then(|| text.to_ascii_lowercase().into_bytes());
                    words.push(Word { letters, atom: atom(*kind, text), negated: term.negated });
                }
            }
        }
        let alone = |word: &Word| {
            let letter = word.letters.as_ref().filter(|letters| letters.len() == 1);
            !word.negated && letter.is_some_and(|letter| bit(letter[0]).is_some_and(|bit| bit < 1 << 41))
        };
        let by_mask = values.is_empty() && words.iter().all(alone);
        let engine = Matcher::new(Config::DEFAULT);
        Self { index, mask, by_mask, words, values, engine, chars: Vec::new(), text: String::new() }
    }

    /// Whether an entry fits.
    pub fn fits(&mut self, at: u32) -> bool {
        let mask = self.index.mask(at);
        if mask & self.mask != self.mask {
            return false;
        }
        if self.by_mask && mask != u64::MAX {
            return true;
        }
        let entry = self.index.entry(at);
        self.values.iter().all(|(field, value, negated)| has(entry, *field, value) != *negated) && self.has_words(at)
    }

    fn has_words(&mut self, at: u32) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let (first, second) = self.index.text(at);
        // Letters that are searched one by one need no copy of the text.
        let plain = self.index.mask(at) != u64::MAX;
        let mut copied = false;
        for word in &self.words {
            let found = match &word.letters {
                Some(letters) if plain => is_in(letters, first.bytes().chain([b' ']).chain(second.bytes())),
                _ => {
                    if !copied {
                        join(&mut self.text, &first, second);
                        copied = true;
                    }
                    word.atom.score(Utf32Str::new(&self.text, &mut self.chars), &mut self.engine).is_some()
                }
            };
            if found == word.negated {
                return false;
            }
        }
        true
    }

    /// How well an entry that fits does: more is better.
    pub fn score(&mut self, at: u32) -> u32 {
        let (first, second) = self.index.text(at);
        join(&mut self.text, &first, second);
        let text = Utf32Str::new(&self.text, &mut self.chars);
        let wanted = self.words.iter().filter(|word| !word.negated);
        wanted.map(|word| u32::from(word.atom.score(text, &mut self.engine).unwrap_or(0))).sum()
    }
}

fn join(text: &mut String, first: &str, second: &str) {
    text.clear();
    text.push_str(first);
    text.push(' ');
    text.push_str(second);
}

/// Whether the letters are there in their order, whatever is between them.
fn is_in(letters: &[u8], text: impl Iterator<Item = u8>) -> bool {
    let mut wanted = letters.iter();
    let mut next = wanted.next();
    for byte in text {
        match next {
            None => return true,
            Some(letter) if *letter == byte.to_ascii_lowercase() => next = wanted.next(),
            Some(_) => {}
        }
    }
    next.is_none()
}

fn has(entry: Entry<'_>, field: Field, value: &str) -> bool {
    match field {
        Field::Name => holds(entry.raw_name(), value),
        Field::Owner => entry.owner().is_some_and(|owner| holds(owner.raw(), value)),
        Field::Environment => entry.environment().is_some_and(|environment| holds(environment.raw(), value)),
        Field::State => {
            let word = entry.state_word();
            if STATES.contains(&value) { word == value } else { word.starts_with(value) }
        }
        Field::Kind => entry.listed().iter().any(|identity| identity.kind.word().contains(value)),
        Field::Provider => entry.listed().iter().any(|identity| holds(identity.id.provider().as_str(), value)),
        Field::Scope => {
            let Entry::Bot(view) = entry else { return false };
            let mut scopes = view.readings.holdings().flat_map(|holding| &holding.scopes);
            scopes.any(|scope| {
                let texts = [scope.level.word(), scope.verb.raw(), scope.resource.raw()];
                texts.iter().any(|text| holds(text, value)) || (scope.mint && "mint".contains(value))
            })
        }
    }
}

/// Whether a text has a part, which is in lower case, whatever the text's own case.
fn holds(text: &str, part: &str) -> bool {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { text.contains(part) } else { text.to_lowercase().contains(part) }
}
