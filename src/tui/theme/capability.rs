//! How many colours the terminal can show, decided once: none < 16 < 256 < RGB.

use ratatui::style::Color;

/// The ladder of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Modifiers only.
    None,
    /// The terminal's own palette.
    Sixteen,
    /// The xterm palette.
    Indexed,
    /// Any colour.
    Rgb,
}

/// What a person asks for in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// What configuration and terminal say.
    #[default]
    Auto,
    /// No colour.
    Never,
    /// Colours, whatever `NO_COLOR` says.
    Always,
}

impl Capability {
    /// Decides once: the flag goes over the configuration, and that over the environment.
    pub fn decide(flag: Wanted, configured: Option<Self>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let in_colour = |name: &str| variable(name).filter(|_| name != "NO_COLOR");
        match (flag, configured) {
            (Wanted::Never, _) => Self::None,
            (Wanted::Always, configured) => configured.unwrap_or_else(|| Self::detect(in_colour)).max(Self::Sixteen),
            (Wanted::Auto, Some(configured)) => configured,
            (Wanted::Auto, None) => Self::detect(variable),
        }
    }

    /// The configuration's word for it; `None`: it is none, or leaves it to the environment.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "16" => Some(Self::Sixteen),
            "256" => Some(Self::Indexed),
            "rgb" => Some(Self::Rgb),
            _ => None,
        }
    }

    /// From the poorest to the richest.
    pub const ALL: [Self; 4] = [Self::None, Self::Sixteen, Self::Indexed, Self::Rgb];

    /// Reads the environment: `NO_COLOR` (<https://no-color.org>: set and not empty) wins, then `COLORTERM`, `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).unwrap_or_default();
        let term = value("TERM");
        if !value("NO_COLOR").is_empty() || term.is_empty() || term == "dumb" || term.starts_with("vt1") {
            return Self::None;
        }
        let colours = value("COLORTERM");
        if colours.contains("truecolor") || colours.contains("24bit") || term.ends_with("-direct") {
            Self::Rgb
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// The nearest colour that can be shown.
    pub fn fit(self, colour: Color) -> Color {
        match (self, colour) {
            (_, Color::Reset) | (Self::None, _) => Color::Reset,
            (Self::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(nearest_indexed(r, g, b)),
            (Self::Sixteen, Color::Rgb(r, g, b)) => nearest_of_sixteen(r, g, b),
            (Self::Sixteen, Color::Indexed(index)) => {
                let (r, g, b) = indexed_to_rgb(index);
                nearest_of_sixteen(r, g, b)
            }
            (_, colour) => colour,
        }
    }
}

/// The palette's usual values, for measuring distance only; what is shown is the terminal's own.
const SIXTEEN: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (170, 0, 0)),
    (Color::Green, (0, 130, 0)),
    (Color::Yellow, (150, 100, 0)),
    (Color::Blue, (0, 0, 190)),
    (Color::Magenta, (150, 0, 150)),
    (Color::Cyan, (0, 130, 150)),
    (Color::Gray, (190, 190, 190)),
    (Color::DarkGray, (100, 100, 100)),
    (Color::LightRed, (255, 85, 85)),
    (Color::LightGreen, (85, 255, 85)),
    (Color::LightYellow, (255, 255, 85)),
    (Color::LightBlue, (85, 85, 255)),
    (Color::LightMagenta, (255, 85, 255)),
    (Color::LightCyan, (85, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// The steps of the xterm colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The palette's names in theme files, in its order.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// A colour as theme files write it: a palette name, an index, or `#rrggbb`.
pub(super) fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6)?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Ok(index) = text.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    let index = NAMES.iter().position(|name| *name == text)?;
    Some(SIXTEEN[index].0)
}

/// A colour's usual value; `None`: the terminal's own, which nobody knows.
pub(super) fn value(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(indexed_to_rgb(index)),
        named => SIXTEEN.iter().find(|(colour, _)| *colour == named).map(|(_, value)| *value),
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    square(a.0, b.0) + square(a.1, b.1) + square(a.2, b.2)
}

fn nearest_of_sixteen(r: u8, g: u8, b: u8) -> Color {
    SIXTEEN.iter().min_by_key(|(_, value)| distance(*value, (r, g, b))).map_or(Color::Reset, |(colour, _)| *colour)
}

fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    (16..=255).min_by_key(|index| distance(indexed_to_rgb(*index), (r, g, b))).unwrap_or(16)
}

fn indexed_to_rgb(index: u8) -> (u8, u8, u8) {
    match index {
        0..16 => SIXTEEN[usize::from(index)].1,
        16..232 => {
            let index = usize::from(index - 16);
            (CUBE[index / 36], CUBE[index / 6 % 6], CUBE[index % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_is_read_from_the_environment() {
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color")][..], Capability::Indexed),
            (&[("TERM", "xterm")], Capability::Sixteen),
            (&[("TERM", "screen-256color"), ("COLORTERM", "truecolor")], Capability::Rgb),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], Capability::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Capability::Indexed),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Capability::None),
            (&[("TERM", "vt100")], Capability::None),
            (&[], Capability::None),
        ] {
            let found = Capability::detect(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found, expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_flag_goes_over_the_configuration_and_that_over_the_environment() {
        use Capability::{Indexed, None as Mono, Rgb, Sixteen};
        let rich = &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..];
        let plain = &[("TERM", "xterm-256color"), ("NO_COLOR", "1")];
        for (flag, configured, pairs, expected) in [
            (Wanted::Auto, None, rich, Rgb),
            (Wanted::Auto, None, plain, Mono),
            (Wanted::Auto, Some(Sixteen), rich, Sixteen),
            (Wanted::Auto, Some(Indexed), plain, Indexed),
            (Wanted::Auto, Some(Mono), rich, Mono),
            (Wanted::Never, Some(Rgb), rich, Mono),
            (Wanted::Always, None, plain, Indexed),
            (Wanted::Always, None, &[("TERM", "vt100")], Sixteen),
            (Wanted::Always, Some(Mono), rich, Sixteen),
            (Wanted::Always, Some(Rgb), plain, Rgb),
        ] {
            let variable =
                |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let found = Capability::decide(flag, configured, variable);
            assert_eq!(found, expected, "{flag:?} {configured:?} {pairs:?}");
        }
    }

    #[test]
    fn rich_colours_become_the_nearest_poorer_ones() {
        assert_eq!(Capability::Sixteen.fit(Color::Rgb(250, 250, 250)), Color::White);
        assert_eq!(Capability::Indexed.fit(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(Capability::None.fit(Color::Red), Color::Reset);
        assert_eq!(Capability::Rgb.fit(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
    }
}
