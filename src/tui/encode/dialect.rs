//! What a terminal understands beyond the VT100's basics. Nothing here is guessed: what is not known is not used.

/// Which generation's control sequences it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Cursor moves, erase to the end of the line, and a reset of all attributes.
    Vt100,
    /// Moves to a column or row alone (CHA, VPA), erase of so many cells (ECH), and an end of each attribute
    /// (SGR 22, 23, 24, 27).
    Vt220,
}

/// What the encoder may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Which generation it is of.
    pub level: Level,
    /// It moves rows inside a region: DECSTBM, a line feed at the bottom of it, a reverse one at its top.
    pub regions: bool,
    /// What it erases takes the background that is set.
    pub erases_in_colour: bool,
    /// It repeats the last character (ECMA-48 REP).
    pub repeats: bool,
}

impl Dialect {
    /// What every terminal that moves its cursor takes.
    pub const LEAST: Self = Self { level: Level::Vt100, regions: false, erases_in_colour: false, repeats: false };
    /// What xterm and its heirs take.
    pub const MOST: Self = Self { level: Level::Vt220, regions: true, erases_in_colour: true, repeats: true };
}
