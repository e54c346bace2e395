//! A snapshot's rows by number, with what makes looking through half a million of them quick.
//!
//! Entries `0..bots` are the snapshot's bots, the rest are its other identities. An index belongs to one snapshot: a
//! number means nothing in another.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::{Row, parallel::in_parallel, sort::Grouping};
use crate::{
    domain::{BotState, Identity, IdentityState, Level, Severity, Untrusted},
    engine::{BotView, Snapshot},
};

/// One row's thing.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// A bot.
    Bot(&'a Arc<BotView>),
    /// An identity that no bot has.
    Other(&'a Identity),
}

impl<'a> Entry<'a> {
    /// What it is called over snapshots.
    pub fn row(self) -> Row {
        match self {
            Self::Bot(view) => Row::Bot(view.bot.name.clone()),
            Self::Other(identity) => Row::Other(identity.id.clone()),
        }
    }

    /// Its name as it came.
    pub fn raw_name(self) -> &'a str {
        match self {
            Self::Bot(view) => view.bot.name.raw(),
            Self::Other(identity) => identity.name.raw(),
        }
    }

    /// Who answers for it.
    pub fn owner(self) -> Option<&'a Untrusted> {
        match self {
            Self::Bot(view) => view.bot.owner.as_ref(),
            Self::Other(identity) => identity.attribute("owner"),
        }
    }

    /// What it is for.
    pub fn environment(self) -> Option<&'a Untrusted> {
        match self {
            Self::Bot(view) => view.bot.environment.as_ref(),
            Self::Other(identity) => identity.attribute("environment"),
        }
    }

    /// Where it stands.
    pub fn state(self) -> BotState {
        match self {
            Self::Bot(view) => view.state,
            Self::Other(identity) => match identity.state {
                IdentityState::Live => BotState::Live,
                IdentityState::Gated | IdentityState::Gone => BotState::Dark,
                IdentityState::Unknown => BotState::Unknown,
            },
        }
    }

    /// The word that the list has for its state.
    pub fn state_word(self) -> &'static str {
        match self {
            Self::Bot(view) => view.state.word(),
            Self::Other(identity) => match identity.state {
                IdentityState::Live => "live",
                IdentityState::Gated => "gated",
                IdentityState::Gone => "gone",
                IdentityState::Unknown => "unknown",
            },
        }
    }

    /// How many identities it has.
    pub fn identities(self) -> usize {
        match self {
            Self::Bot(view) => view.bot.identities.len(),
            Self::Other(_) => 1,
        }
    }

    /// When it was last active.
    pub fn last_active_at(self) -> Option<Timestamp> {
        match self {
            Self::Bot(view) => view.last_active_at,
            Self::Other(identity) => identity.last_active_at,
        }
    }

    /// What it can do at worst, and whether it can make new credentials.
    pub fn worst(self) -> (Option<Level>, bool) {
        let Self::Bot(view) = self else { return (None, false) };
        let scopes = || view.readings.holdings().flat_map(|holding| &holding.scopes);
        (scopes().map(|scope| scope.level).max(), scopes().any(|scope| scope.mint))
    }

    /// How bad its findings are, and how many there are.
    pub fn findings(self) -> (Option<Severity>, usize) {
        let Self::Bot(view) = self else { return (None, 0) };
        (view.findings.worst(), view.findings.len())
    }

    /// Each of its identities, as listed.
    pub fn listed(self) -> &'a [Identity] {
        match self {
            Self::Bot(view) => &view.identities,
            Self::Other(identity) => std::slice::from_ref(identity),
        }
    }

    /// The group that it is in; empty: none.
    pub fn group(self, grouping: Grouping) -> Cow<'a, str> {
        match grouping {
            Grouping::None => Cow::Borrowed(""),
            Grouping::Owner => self.owner().map_or(Cow::Borrowed(""), |text| Cow::Borrowed(text.raw())),
            Grouping::Environment => self.environment().map_or(Cow::Borrowed(""), |text| Cow::Borrowed(text.raw())),
            Grouping::Provider => match self {
                Self::Other(identity) => Cow::Borrowed(identity.id.provider().as_str()),
                Self::Bot(view) => {
                    let names: BTreeSet<&str> = view.bot.identities.iter().map(|id| id.provider().as_str()).collect();
                    let mut names = names.into_iter();
                    match (names.next(), names.next()) {
                        (None, _) => Cow::Borrowed(""),
                        (Some(one), None) => Cow::Borrowed(one),
                        (Some(one), Some(two)) => {
                            let more = names.fold(String::new(), |more, name| more + ", " + name);
                            Cow::Owned(format!("{one}, {two}{more}"))
                        }
                    }
                }
            },
        }
    }
}

/// A snapshot by number.
#[derive(Debug)]
pub struct Index {
    snapshot: Arc<Snapshot>,
    /// What words are looked for in, of each bot.
    texts: Vec<String>,
    /// Which letters an entry's text has; of others only where they are shown.
    masks: Vec<u64>,
    /// Columns of the longest name, owner and environment, whatever the filter leaves: a list whose columns move while
    /// one types is not calm.
    pub widths: [usize; 3],
    /// Whether the longest state is among them.
    pub is_contradicted: bool,
}

impl Index {
    /// Of a snapshot; with those that are no bots where they are shown.
    pub fn new(snapshot: Arc<Snapshot>, all: bool) -> Self {
        let texts: Vec<String> = snapshot.bots.iter().map(|view| text_of(view)).collect();
        let mut masks: Vec<u64> = Vec::with_capacity(texts.len() + if all { snapshot.others.len() } else { 0 });
        masks.extend(texts.iter().map(|text| mask(text.bytes())));
        let shown = |text: Option<&Untrusted>| text.map_or(0, |text| text.shown().width());
        let mut widths = [0; 3];
        for view in &snapshot.bots {
            let bot = &view.bot;
            let of = [bot.name.shown().width(), shown(bot.owner.as_ref()), shown(bot.environment.as_ref())];
            widths = std::array::from_fn(|at| widths[at].max(of[at]));
        }
        if all {
            let parts = in_parallel(snapshot.others.len(), |range| {
                let mut longest = 0;
                let mut part = Vec::with_capacity(range.len());
                // Neighbours have their provider in common.
                let mut provider = ("", 0);
                for identity in snapshot.others.range(range) {
                    let name = identity.id.provider().as_str();
                    if provider.0 != name {
                        provider = (name, mask(name.bytes()));
                    }
                    let (mask, width) = look_of(&identity.name);
                    longest = longest.max(width);
                    part.push(mask | provider.1);
                }
                (part, longest)
            });
            for (part, longest) in parts {
                masks.extend(part);
                widths[0] = widths[0].max(longest);
            }
        }
        let is_contradicted = snapshot.bots.iter().any(|view| view.state == BotState::Contradicted);
        Self { snapshot, texts, masks, widths, is_contradicted }
    }

    /// Whether it is of that snapshot and has what is to be shown.
    pub fn serves(&self, snapshot: &Arc<Snapshot>, all: bool) -> bool {
        let wanted = snapshot.bots.len() + if all { snapshot.others.len() } else { 0 };
        Arc::ptr_eq(&self.snapshot, snapshot) && self.masks.len() == wanted
    }

    /// How many bots it has.
    pub fn bots(&self) -> usize {
        self.texts.len()
    }

    /// How many entries it has.
    pub fn count(&self) -> u32 {
        u32::try_from(self.masks.len()).unwrap_or(u32::MAX)
    }

    /// The entry of that number, which must be one of this index.
    pub fn entry(&self, at: u32) -> Entry<'_> {
        let at = at as usize;
        match self.snapshot.bots.get(at) {
            Some(view) => Entry::Bot(view),
            None => Entry::Other(&self.snapshot.others[at - self.snapshot.bots.len()]),
        }
    }

    /// Which letters the entry's text has.
    pub fn mask(&self, at: u32) -> u64 {
        self.masks[at as usize]
    }

    /// What words are looked for in: of a bot in one piece, of another identity its name and its provider.
    pub fn text(&self, at: u32) -> (Cow<'_, str>, &str) {
        match self.texts.get(at as usize) {
            Some(text) => (Cow::Borrowed(text), ""),
            None => match self.entry(at) {
                Entry::Other(identity) => (shown(&identity.name), identity.id.provider().as_str()),
                Entry::Bot(_) => (Cow::Borrowed(""), ""),
            },
        }
    }

    /// The number of a row's thing; `None`: it is not there.
    pub fn find(&self, row: &Row) -> Option<u32> {
        let at = match row {
            Row::Bot(name) => self.snapshot.bot_at(name)?,
            Row::Other(id) => self.snapshot.bots.len() + self.snapshot.other_at(id)?,
        };
        u32::try_from(at).ok().filter(|at| *at < self.count())
    }
}

/// What words are looked for in.
fn text_of(view: &BotView) -> String {
    let text = |text: &Option<Untrusted>| text.as_ref().map(Untrusted::shown).unwrap_or_default();
    let (owner, environment) = (text(&view.bot.owner), text(&view.bot.environment));
    format!("{} {owner} {environment} {}", view.bot.name, view.state.word())
}

/// As it is shown, without a copy where that is as it came.
fn shown(name: &Untrusted) -> Cow<'_, str> {
    if is_plain(name.raw()) { Cow::Borrowed(name.raw()) } else { Cow::Owned(name.shown()) }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Which letters a name has, and how many columns it takes.
fn look_of(name: &Untrusted) -> (u64, usize) {
    let raw = name.raw();
    if is_plain(raw) { (mask(raw.bytes()), raw.len()) } else { (u64::MAX, name.shown().width()) }
}

/// Which letters there are: one bit each for letters, digits and common signs. Whatever is beyond ASCII may fold to
/// anything, so that such a text has them all.
pub fn mask(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0, |mask, byte| mask | BITS[byte as usize])
}

/// What a byte adds to a mask.
const BITS: [u64; 256] = {
    let mut bits = [u64::MAX; 256];
    let mut byte = 0;
    while byte < 128 {
        if let Some(bit) = bit(byte) {
            bits[byte as usize] = bit;
        }
        byte += 1;
    }
    bits
};

/// The bit of a letter; `None`: it is beyond ASCII.
pub const fn bit(byte: u8) -> Option<u64> {
    Some(
        1 << match byte {
            b'a'..=b'z' => byte - b'a',
            b'A'..=b'Z' => byte - b'A',
            b'0'..=b'9' => 26 + byte - b'0',
            b'-' => 36,
            b'_' => 37,
            b'.' => 38,
            b'@' => 39,
            b' ' => 40,
            0..=127 => 41,
            _ => return None,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_every_letter_of_its_text() {
        assert_eq!(mask(b"aA".iter().copied()), 1);
        assert_eq!(mask(b"z-9".iter().copied()), 1 << 25 | 1 << 36 | 1 << 35);
        assert_eq!(mask("ä".bytes()), u64::MAX);
        assert_eq!(mask(std::iter::empty()), 0);
    }
}
