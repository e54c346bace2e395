//! Which columns a width has room for.

use crate::tui::fleet::Index;

/// Columns of a state: sign, blank, the longest word of a calm day.
const STATE: usize = 11;
/// Columns of `contradicted`, where a bot is that.
const CONTRADICTED: usize = 14;
/// Least and most columns that names are given while other columns want room.
const NAMES: (usize, usize) = (17, 31);
/// Least and most columns of an environment.
const ENVIRONMENT: (usize, usize) = (8, 11);
/// Least and most columns of an owner.
const OWNER: (usize, usize) = (8, 11);
/// Columns of the number of identities.
const IDENTITIES: usize = 4;
/// Columns of `export mint`.
pub const SCOPES: usize = 12;
/// Columns of how many findings there are, and the letter of the worst.
const FINDINGS: usize = 5;
/// Columns of the last hour: a quarter each, or half of that where there is much room.
const ACTIVITY: (usize, usize) = (5, 9);
/// Columns of a time ago.
pub const LAST: usize = 5;

/// The columns that a width has room for; zero: it is not shown. The name takes what is left.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    /// Sign and word.
    pub state: usize,
    /// The name.
    pub name: usize,
    /// Who answers for it.
    pub owner: usize,
    /// What it is for.
    pub environment: usize,
    /// How many identities.
    pub identities: usize,
    /// How many findings, and how bad.
    pub findings: usize,
    /// The last hour.
    pub activity: usize,
}

impl Columns {
    /// Of a list. A name is worth more than what the detail tells too.
    pub fn of(width: usize, index: &Index) -> Self {
        let state = if index.is_contradicted { CONTRADICTED } else { STATE };
        let [names, owner, environment] = index.widths;
        let names = (names + 1).clamp(NAMES.0, NAMES.1);
        let mut left = width.saturating_sub(Self::fixed(index));
        let mut take = |wanted: usize| {
            let has_room = left >= names + wanted;
            left -= if has_room { wanted } else { 0 };
            if has_room { wanted } else { 0 }
        };
        let environment = take((environment + 1).clamp(ENVIRONMENT.0, ENVIRONMENT.1));
        let findings = take(FINDINGS);
        let activity = take(ACTIVITY.0);
        let owner = take((owner + 1).clamp(OWNER.0, OWNER.1));
        let identities = take(IDENTITIES);
        let activity = activity + if activity > 0 { take(ACTIVITY.1 - ACTIVITY.0) } else { 0 };
        Self { state, name: left, owner, environment, identities, findings, activity }
    }

    /// Marker, state, scopes, last activity, each with its gap.
    fn fixed(index: &Index) -> usize {
        2 + if index.is_contradicted { CONTRADICTED } else { STATE } + 1 + SCOPES + LAST + 1
    }

    /// The width of a list with as many columns as `most` has room for, and whole names.
    pub fn wanted(index: &Index, most: u16) -> u16 {
        let [names, owner, environment] = index.widths;
        let least = Self::fixed(index) + (names + 1).clamp(NAMES.0, NAMES.1);
        let environment = (environment + 1).clamp(ENVIRONMENT.0, ENVIRONMENT.1);
        let owner = (owner + 1).clamp(OWNER.0, OWNER.1);
        let (few, many) = ACTIVITY;
        let columns = [
            environment + FINDINGS + many + owner + IDENTITIES,
            environment + FINDINGS + few + owner + IDENTITIES,
            environment + FINDINGS + few + owner,
            environment + FINDINGS + few,
            environment + FINDINGS,
            environment,
            0,
        ];
        let mut widths = columns.into_iter().map(|more| u16::try_from(least + more).unwrap_or(u16::MAX));
        widths.find(|width| *width <= most).unwrap_or(most)
    }
}
