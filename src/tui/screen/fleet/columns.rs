//! Which columns of the fleet a width has room for.

use crate::tui::{
    fleet::Index,
    screen::columns::{Column, Room},
};

/// Columns of the marker and the mark.
const MARKS: usize = 2;
/// Columns of a state: sign, blank, the longest word of a calm day, and the blank behind it as everywhere here.
const STATE: usize = 12;
/// Columns of `contradicted`, where a bot is that.
const CONTRADICTED: usize = 15;
/// Least and most columns that names are given while other columns want room.
const NAMES: (usize, usize) = (17, 31);
/// Least and most columns of an environment.
const ENVIRONMENT: (usize, usize) = (8, 11);
/// Least and most columns of an owner.
const OWNER: (usize, usize) = (8, 11);
/// Columns of the number of identities.
const IDENTITIES: usize = 4;
/// Columns of `export mint`.
const SCOPES: usize = 12;
/// Columns of how many findings there are, and the letter of the worst.
const FINDINGS: usize = 5;
/// Columns of the last hour: a quarter each, or half of that where there is much room.
const ACTIVITY: (usize, usize) = (5, 9);
/// Columns of a time ago.
const LAST: usize = 6;

/// The columns of a list; the name takes what is left.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    /// Sign and word.
    pub state: Column,
    /// The name.
    pub name: Column,
    /// Who answers for it.
    pub owner: Column,
    /// What it is for.
    pub environment: Column,
    /// How many identities.
    pub identities: Column,
    /// What it can do at worst.
    pub scopes: Column,
    /// How many findings, and how bad.
    pub findings: Column,
    /// The last hour.
    pub activity: Column,
    /// When it was last at work.
    pub last: Column,
}

impl Columns {
    /// Of a list. A name is worth more than what the detail tells too.
    pub fn of(width: usize, index: &Index) -> Self {
        let state = if index.is_contradicted { CONTRADICTED } else { STATE };
        let mut room = Room(width.saturating_sub(MARKS + state + SCOPES + LAST));
        let [names, owner, environment] = index.widths;
        let names = (names + 1).clamp(NAMES.0, NAMES.1);
        let least = names.min(room.0);
        let mut name = room.take(least);
        let environment = room.take((environment + 1).clamp(ENVIRONMENT.0, ENVIRONMENT.1));
        let findings = room.take(FINDINGS);
        let mut activity = room.take(ACTIVITY.0);
        let owner = room.take((owner + 1).clamp(OWNER.0, OWNER.1));
        let identities = room.take(IDENTITIES);
        if room.0 >= ACTIVITY.1 - ACTIVITY.0 {
            room.grow(&mut activity, ACTIVITY.1);
        }
        room.grow(&mut name, usize::MAX);
        Self {
            state: Column::text("STATE", state),
            name: Column::name("BOT", name),
            owner: Column::name("OWNER", owner),
            environment: Column::text("ENV", environment),
            identities: Column::text("IDS", identities),
            scopes: Column::text("SCOPES", SCOPES),
            findings: Column::text("FIND", findings),
            activity: Column::text(if activity > ACTIVITY.0 { "LAST HR" } else { "1 HR" }, activity),
            last: Column::figure("LAST", LAST),
        }
    }

    /// The width of a list with as many columns as `most` has room for, and whole names.
    pub fn wanted(index: &Index, most: u16) -> u16 {
        let columns = Self::of(usize::from(most), index);
        let names = (index.widths[0] + 1).clamp(NAMES.0, NAMES.1);
        let spare = (columns.name.room() + 1).saturating_sub(names);
        most.saturating_sub(u16::try_from(spare).unwrap_or(most))
    }

    /// All of them as they stand, left to right.
    pub const fn all(&self) -> [Column; 9] {
        [
            self.state,
            self.name,
            self.owner,
            self.environment,
            self.identities,
            self.scopes,
            self.findings,
            self.activity,
            self.last,
        ]
    }
}
