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
/// Least columns of a name, cut in its middle, and most while other columns want room.
const NAMES: (usize, usize) = (16, 31);
/// Least columns of an environment, of which `prod` tells enough, and most.
const ENVIRONMENT: (usize, usize) = (6, 11);
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
    /// Of a list.
    pub fn of(width: usize, index: &Index) -> Self {
        Self::with(width, index.widths, index.is_contradicted)
    }

    /// What tells bots apart at a glance comes before whole names: the plan beside the list has the name in full.
    fn with(width: usize, [names, owner, environments]: [usize; 3], is_contradicted: bool) -> Self {
        let state = if is_contradicted { CONTRADICTED } else { STATE };
        let mut room = Room(width.saturating_sub(MARKS + state + SCOPES + LAST));
        let mut name = NAMES.0.min(room.0);
        room.take(name);
        let findings = room.take(FINDINGS);
        let mut environment = room.take(ENVIRONMENT.0);
        let mut activity = room.take(ACTIVITY.0);
        room.grow(&mut name, Self::names(names));
        room.grow(&mut environment, (environments + 1).min(ENVIRONMENT.1));
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
        let spare = (columns.name.room() + 1).saturating_sub(Self::names(index.widths[0]));
        most.saturating_sub(u16::try_from(spare).unwrap_or(most))
    }

    /// Columns of names of which the longest has so many.
    fn names(longest: usize) -> usize {
        (longest + 1).clamp(NAMES.0, NAMES.1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_goes_in_the_order_of_its_worth() {
        let heads = |width| {
            let columns = Columns::with(width, [19, 10, 10], false);
            let shown = columns.all().into_iter().filter(|column| column.room() > 0);
            let widths: usize = columns.all().iter().map(|column| column.room() + usize::from(column.room() > 0)).sum();
            assert!(widths + MARKS <= width.max(MARKS + STATE + SCOPES + LAST), "{width}: {columns:?}");
            shown.map(|column| format!("{} {}", column.title(), column.room())).collect::<Vec<_>>().join(", ")
        };
        for (width, wanted) in [
            (40, "STATE 11, BOT 7, SCOPES 11, LAST 5"),
            (58, "STATE 11, BOT 15, SCOPES 11, FIND 4, 1 HR 4, LAST 5"),
            (60, "STATE 11, BOT 16, ENV 5, SCOPES 11, FIND 4, LAST 5"),
            (66, "STATE 11, BOT 17, ENV 5, SCOPES 11, FIND 4, 1 HR 4, LAST 5"),
            (80, "STATE 11, BOT 22, ENV 10, IDS 3, SCOPES 11, FIND 4, 1 HR 4, LAST 5"),
            (100, "STATE 11, BOT 27, OWNER 10, ENV 10, IDS 3, SCOPES 11, FIND 4, LAST HR 8, LAST 5"),
        ] {
            assert_eq!(heads(width), wanted, "{width}");
        }
    }
}
