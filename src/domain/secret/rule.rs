//! What a rule of the recogniser is: data, and where a pattern does not suffice one function.

use std::ops::Range;

use super::{Claim, ClaimKind, Confidence, Recognised};
use crate::domain::Untrusted;

/// One kind of secret.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Stable, unique.
    pub(super) id: &'static str,
    /// For people.
    pub(super) name: &'static str,
    /// The kind of provider that issues it.
    pub(super) provider: Option<&'static str>,
    /// Its shape: a regular expression without look-around, so that matching takes linear time.
    pub(super) pattern: &'static str,
    /// Words one of which must be somewhere in the text, lower case; empty: the shape says enough.
    pub(super) context: &'static [&'static str],
    /// Whether the context may be missing where the text is nothing but the secret.
    pub(super) alone: bool,
    /// What may stand beside it.
    pub(super) edges: Edges,
    /// How sure its shape makes.
    pub(super) confidence: Confidence,
    /// What to know before it is used.
    pub(super) caution: Option<&'static str>,
    /// Checks and decodes; `false`: it is not that after all.
    pub(super) read: Read,
}

/// What may stand beside a match.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// Anything.
    Any,
    /// No letter, digit or `_`.
    Word,
    /// The same, and nothing of base64, nor a path: for shapes without a prefix.
    Opaque,
}

/// Checks a match and adds what it embeds.
pub(super) type Read = fn(&Candidate<'_>, &mut Recognised) -> bool;

/// A match, in its text.
pub(super) struct Candidate<'a> {
    /// All that was pasted.
    pub(super) text: &'a str,
    /// Where the match is.
    pub(super) range: Range<usize>,
}

impl<'a> Candidate<'a> {
    /// The match.
    pub(super) fn token(&self) -> &'a str {
        &self.text[self.range.clone()]
    }

    /// Whether its neighbours allow it.
    pub(super) fn is_bounded(&self, edges: Edges) -> bool {
        let before = self.text[..self.range.start].chars().next_back();
        let after = self.text[self.range.end..].chars().next();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let opaque = |c: char| word(c) || "+/-".contains(c);
        match edges {
            Edges::Any => true,
            Edges::Word => !before.is_some_and(word) && !after.is_some_and(word),
            Edges::Opaque => !before.is_some_and(opaque) && !after.is_some_and(|c| opaque(c) || c == '='),
        }
    }
}

/// A rule with nothing beyond its shape.
pub(super) const fn rule(
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    pattern: &'static str,
    confidence: Confidence,
) -> Rule {
    let provider = if provider.is_empty() { None } else { Some(provider) };
    let (context, caution): (&[&str], _) = (&[], None);
    Rule { id, name, provider, pattern, context, alone: false, edges: Edges::Word, confidence, caution, read: plain }
}

impl Rule {
    /// Only where one of these words is near.
    pub(super) const fn near(mut self, context: &'static [&'static str]) -> Self {
        self.context = context;
        self
    }

    /// Also where the text is nothing else.
    pub(super) const fn or_alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// With other neighbours.
    pub(super) const fn edges(mut self, edges: Edges) -> Self {
        self.edges = edges;
        self
    }

    /// With something to know before it is used.
    pub(super) const fn caution(mut self, caution: &'static str) -> Self {
        self.caution = Some(caution);
        self
    }

    /// With checks or ids of its own.
    pub(super) const fn read(mut self, read: Read) -> Self {
        self.read = read;
        self
    }
}

fn plain(_: &Candidate<'_>, _: &mut Recognised) -> bool {
    true
}

impl Recognised {
    /// Adds a claim, unless it is empty.
    pub(super) fn add(&mut self, kind: ClaimKind, value: impl Into<String>) {
        let value = Untrusted::new(value);
        if !value.is_empty() {
            self.claims.push(Claim { kind, value });
        }
    }
}
