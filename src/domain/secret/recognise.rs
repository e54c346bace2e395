//! From a text to what it may be.
//!
//! ```text
//! text ─▶ patterns ─▶ neighbours, words around it ─▶ checksum, embedded ids ─▶ Found, the surest first
//! ```

use std::{cmp::Reverse, ops::Range, sync::LazyLock};

use regex::{Regex, RegexSet};

use super::{
    Recognised,
    rule::{Candidate, Rule},
    rules,
};

/// A longer text is not looked at: bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Matches of one rule that are looked at.
const MAX_CANDIDATES: usize = 64;
/// Answers of one rule.
const MAX_OF_A_RULE: usize = 8;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it may be.
    pub what: Recognised,
    /// Where it is: of a document such as a key file, where its mark is.
    pub range: Range<usize>,
}

struct Compiled {
    set: RegexSet,
    each: Vec<(Rule, Regex)>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let rules: Vec<Rule> = rules::all().collect();
    let compile = |rule: &Rule| Regex::new(rule.pattern).expect("a test compiles every pattern");
    let set = RegexSet::new(rules.iter().map(|rule| rule.pattern)).expect("a test compiles every pattern");
    let each = rules.into_iter().map(|rule| (rule, compile(&rule))).collect();
    Compiled { set, each }
});

/// What a text may be, the surest first. Nothing is sent or kept. Texts above [`MAX_TEXT`] are answered with nothing.
pub fn recognise(text: &str) -> Vec<Recognised> {
    let mut all: Vec<Recognised> = Vec::new();
    for found in find(text) {
        // The same key twice in a file is one answer.
        if !all.contains(&found.what) {
            all.push(found.what);
        }
    }
    all
}

/// The same, with places: for a text that has more in it than one secret.
pub fn find(text: &str) -> Vec<Found> {
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let lower = text.to_ascii_lowercase();
    let mut all = Vec::new();
    for index in &COMPILED.set.matches(text) {
        let (rule, pattern) = &COMPILED.each[index];
        let matches = pattern.find_iter(text).take(MAX_CANDIDATES);
        all.extend(matches.filter_map(|at| found(rule, text, &lower, at.range())).take(MAX_OF_A_RULE));
    }
    all.sort_by_key(|found| Reverse(found.what.confidence));
    all
}

fn found(rule: &Rule, text: &str, lower: &str, range: Range<usize>) -> Option<Found> {
    let candidate = Candidate { text, range };
    let alone = rule.alone && text.trim() == candidate.token();
    let near = rule.context.is_empty() || alone || rule.context.iter().any(|word| lower.contains(word));
    if !near || !candidate.is_bounded(rule.edges) {
        return None;
    }
    let mut what = Recognised {
        rule: rule.id,
        name: rule.name,
        provider: rule.provider,
        confidence: rule.confidence,
        claims: Vec::new(),
        caution: rule.caution,
    };
    (rule.read)(&candidate, &mut what).then_some(Found { what, range: candidate.range })
}
