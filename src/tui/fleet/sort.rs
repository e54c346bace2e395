//! In which order rows stand: a column, a direction, and groups.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;

use super::index::{Entry, Index};
use crate::domain::{BotState, Level};

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// What needs somebody first (contradicted, partial, isolating), then names.
    #[default]
    Attention,
    /// The state.
    State,
    /// The name.
    Name,
    /// The owner.
    Owner,
    /// The environment.
    Environment,
    /// How many identities it has.
    Identities,
    /// What it can do at worst.
    Scopes,
    /// How bad its findings are, then how many.
    Findings,
    /// When it was last active, newest first.
    Last,
}

impl Column {
    /// Each of them, in the order in which one comes to them.
    pub const ALL: [Self; 9] = [
        Self::Attention,
        Self::State,
        Self::Name,
        Self::Owner,
        Self::Environment,
        Self::Identities,
        Self::Scopes,
        Self::Findings,
        Self::Last,
    ];

    /// The one after it, and after the last the first.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|column| *column == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// What it is typed as.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::State => "state",
            Self::Name => "name",
            Self::Owner => "owner",
            Self::Environment => "environment",
            Self::Identities => "identities",
            Self::Scopes => "scopes",
            Self::Findings => "findings",
            Self::Last => "last",
        }
    }

    /// Whether the most, worst or newest stands first unless somebody asks for the other way round.
    pub const fn descends(self) -> bool {
        !matches!(self, Self::Name | Self::Owner | Self::Environment)
    }

    /// Its name, for the line that tells what was pressed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attention => "what needs somebody",
            Self::State => "state",
            Self::Name => "name",
            Self::Owner => "owner",
            Self::Environment => "environment",
            Self::Identities => "number of identities",
            Self::Scopes => "scopes",
            Self::Findings => "findings",
            Self::Last => "last activity",
        }
    }
}

/// What rows are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Nothing.
    #[default]
    None,
    /// Who answers for them.
    Owner,
    /// Where they are.
    Provider,
    /// What they are for.
    Environment,
}

impl Grouping {
    /// Each of them, in the order in which one comes to them.
    pub const ALL: [Self; 4] = [Self::None, Self::Owner, Self::Provider, Self::Environment];

    /// What it is typed as.
    pub const fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            grouping => grouping.word(),
        }
    }

    /// The one after it, and after the last the first.
    pub const fn next(self) -> Self {
        match self {
            Self::None => Self::Owner,
            Self::Owner => Self::Provider,
            Self::Provider => Self::Environment,
            Self::Environment => Self::None,
        }
    }

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Owner => "owner",
            Self::Provider => "provider",
            Self::Environment => "environment",
        }
    }
}

/// Which rows, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View {
    /// Ordered by.
    pub column: Column,
    /// The other way round.
    pub reverse: bool,
    /// Put together by.
    pub grouping: Grouping,
    /// Whether identities that are no bots are among them.
    pub all: bool,
}

/// Every entry, in the order of a view. Bots stand before what is no bot, whatever the order.
pub fn order(index: &Index, view: View) -> Vec<u32> {
    let bots = index.bots();
    let mut order: Vec<u32> = (0..index.count()).collect();
    let turned = |ordering: Ordering| if view.reverse { ordering.reverse() } else { ordering };
    let (mine, others) = order.split_at_mut(bots);
    let names = |a: u32, b: u32| index.entry(a).raw_name().cmp(index.entry(b).raw_name());
    // Sorting by cached keys: an entry's key is worth computing once.
    let ranks: Vec<u8> = match view.column {
        Column::Attention => mine.iter().map(|at| attention(index.entry(*at))).collect(),
        Column::State => mine.iter().map(|at| rank(index.entry(*at))).collect(),
        Column::Scopes => mine.iter().map(|at| scopes(index.entry(*at))).collect(),
        _ => Vec::new(),
    };
    mine.sort_by(|a, b| {
        let by_column = match view.column {
            Column::Attention | Column::State | Column::Scopes => ranks[*a as usize].cmp(&ranks[*b as usize]),
            Column::Name => Ordering::Equal,
            Column::Owner => none_last(index.entry(*a).owner()).cmp(&none_last(index.entry(*b).owner())),
            Column::Environment => {
                none_last(index.entry(*a).environment()).cmp(&none_last(index.entry(*b).environment()))
            }
            Column::Identities => index.entry(*b).identities().cmp(&index.entry(*a).identities()),
            Column::Findings => index.entry(*b).findings().cmp(&index.entry(*a).findings()),
            Column::Last => newest(index.entry(*a)).cmp(&newest(index.entry(*b))),
        };
        turned(by_column.then_with(|| names(*a, *b)))
    });
    // As they are listed, unless somebody asks: half a million names are not sorted for nothing.
    match view.column {
        Column::Name => others.sort_by(|a, b| turned(names(*a, *b))),
        Column::State => others.sort_by_key(|at| rank(index.entry(*at))),
        Column::Last => others.sort_by_key(|at| newest(index.entry(*at))),
        _ => {}
    }
    if view.reverse && !matches!(view.column, Column::Name) {
        others.reverse();
    }
    order
}

fn none_last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

/// The same entries, those of one group together; groups by name, and those of none at the end.
pub fn grouped(index: &Index, order: Vec<u32>, grouping: Grouping) -> Vec<u32> {
    if grouping == Grouping::None {
        return order;
    }
    let mut groups: BTreeMap<(bool, Cow<'_, str>), Vec<u32>> = BTreeMap::new();
    for at in order {
        let key = index.entry(at).group(grouping);
        groups.entry((key.is_empty(), key)).or_default().push(at);
    }
    groups.into_values().flatten().collect()
}

fn newest(entry: Entry<'_>) -> std::cmp::Reverse<Option<Timestamp>> {
    std::cmp::Reverse(entry.last_active_at())
}

fn attention(entry: Entry<'_>) -> u8 {
    match entry.state() {
        BotState::Contradicted => 0,
        BotState::Partial => 1,
        BotState::Isolating => 2,
        BotState::Live | BotState::Unknown | BotState::Dark | BotState::DarkAt(_) => 3,
    }
}

fn rank(entry: Entry<'_>) -> u8 {
    match entry.state() {
        BotState::Contradicted => 0,
        BotState::Partial => 1,
        BotState::Isolating => 2,
        BotState::Live => 3,
        BotState::Unknown => 4,
        BotState::DarkAt(_) => 5,
        BotState::Dark => 6,
    }
}

/// The worst first, and among equals who can mint.
fn scopes(entry: Entry<'_>) -> u8 {
    let (level, mint) = entry.worst();
    let level = match level {
        Some(Level::Admin) => 0,
        Some(Level::Export) => 2,
        Some(Level::Write) => 4,
        Some(Level::Read) => 6,
        None => 8,
    };
    level + u8::from(!mint)
}
