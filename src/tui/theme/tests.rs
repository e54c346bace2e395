//! Every bundled theme is loaded and looked at.

use ratatui::style::{Color, Modifier, Style};

use super::{
    BUNDLED, Capability, File, Role, Theme, capability,
    choice::STATES,
    contrast::{EYES, Rgb, ratio, seen_apart},
};

/// What WCAG 2 asks of text (AA), and of text for those who see little (AAA).
const ENOUGH: f64 = 4.5;
const MUCH: f64 = 7.0;
/// So far apart two colours must be for every kind of eye to be told apart at a glance.
const APART: f64 = 75.0;

fn load(name: &str, capability: Capability) -> Theme {
    Theme::load(name, None, capability).unwrap()
}

fn rgb(colour: Option<Color>) -> Option<Rgb> {
    match colour {
        Some(Color::Rgb(r, g, b)) => Some((r, g, b)),
        _ => None,
    }
}

#[test]
fn every_bundled_theme_has_every_role_at_every_capability() {
    for (name, text) in BUNDLED {
        let file: File = toml::from_str(text).unwrap();
        for role in Role::ALL {
            assert!(file.roles.contains_key(role.word()), "{name} has no {}", role.word());
        }
        for capability in Capability::ALL {
            let theme = load(name, capability);
            for role in Role::ALL {
                for colour in [theme.style(*role).fg, theme.style(*role).bg].into_iter().flatten() {
                    assert_eq!(capability.fit(colour), colour, "{name} {role:?} exceeds {capability:?}");
                }
            }
        }
    }
}

#[test]
fn the_default_leaves_the_background_alone_and_uses_sixteen_colours() {
    let rich = Theme::built_in(Capability::Rgb);
    assert_eq!(rich, Theme::built_in(Capability::Sixteen));
    for role in Role::ALL {
        assert_eq!(rich.style(*role).bg, Some(Color::Reset), "{role:?}");
    }
}

#[test]
fn colours_of_ones_own_have_contrast() {
    let mut looked_at = 0;
    for (name, _) in BUNDLED {
        let theme = load(name, Capability::Rgb);
        let wanted = if name == "high-contrast" { MUCH } else { ENOUGH };
        let page = theme.style(Role::Text).bg;
        let selected = rgb(theme.style(Role::Selected).bg);
        for role in Role::ALL {
            let style = theme.style(*role);
            let (fg, bg) = match (rgb(style.fg), rgb(style.bg)) {
                (Some(fg), Some(bg)) => (fg, bg),
                (None, None) => continue,
                _ => panic!("{name} {role:?}: one colour of its own beside one of the terminal's"),
            };
            looked_at += 1;
            assert!(ratio(fg, bg) >= wanted, "{name} {role:?}: {:.2}", ratio(fg, bg));
            // Terminals dim as they like.
            assert!(!style.add_modifier.contains(Modifier::DIM), "{name} {role:?}");
            // On the selected row a role keeps its colour over the row's background.
            let over = selected.filter(|_| style.bg == page).map(|selected| ratio(fg, selected));
            assert!(over.is_none_or(|over| over >= ENOUGH), "{name} {role:?} selected: {over:?}");
        }
    }
    assert_eq!(looked_at, 3 * Role::ALL.len(), "paper, high-contrast and colour-blind");
}

#[test]
fn no_two_states_look_alike_where_eyes_need_it() {
    for name in ["high-contrast", "colour-blind", "mono", "sixteen"] {
        for capability in [Capability::Sixteen, Capability::Indexed, Capability::Rgb] {
            let theme = load(name, capability);
            let mut seen: Vec<(Role, Style)> = Vec::new();
            for role in STATES {
                let style = theme.style(role);
                let twin = seen.iter().find(|(_, other)| *other == style);
                assert!(twin.is_none(), "{name} at {capability:?}: {role:?} looks like {twin:?}");
                seen.push((role, style));
            }
        }
    }
    let mono = load("mono", Capability::None);
    let told: std::collections::BTreeSet<u16> =
        STATES.iter().map(|role| mono.style(*role).add_modifier.bits()).collect();
    assert_eq!(told.len(), STATES.len(), "weight alone tells them apart");
}

/// What is well and what is not, as colours: of a reversed banner its ground.
fn good_and_bad(theme: &Theme) -> (Vec<Rgb>, Vec<Rgb>) {
    let page = theme.style(Role::Text).bg;
    let colour = |role: &Role| {
        let style = theme.style(*role);
        rgb(if style.bg == page { style.fg } else { style.bg })
    };
    let good = [Role::Good, Role::Live, Role::Dark, Role::DarkAt];
    let bad = [Role::Bad, Role::Danger, Role::Armed, Role::Partial, Role::Contradicted, Role::Warn];
    (good.iter().filter_map(colour).collect(), bad.iter().filter_map(colour).collect())
}

fn is_told_apart_by_every_eye(theme: &Theme) -> bool {
    let (good, bad) = good_and_bad(theme);
    assert_eq!((good.len(), bad.len()), (4, 6));
    EYES.iter().all(|(_, eyes)| good.iter().all(|good| bad.iter().all(|bad| seen_apart(eyes, *good, *bad) >= APART)))
}

#[test]
fn colour_blind_eyes_tell_well_from_ill_by_colour_alone() {
    assert!(is_told_apart_by_every_eye(&load("colour-blind", Capability::Rgb)));
    assert!(!is_told_apart_by_every_eye(&load("paper", Capability::Rgb)), "the test can fail: paper has red and green");
    // Fitted to sixteen colours, never both of a pair.
    let few = load("colour-blind", Capability::Sixteen);
    let used: Vec<Color> =
        Role::ALL.iter().flat_map(|role| [few.style(*role).fg, few.style(*role).bg]).flatten().collect();
    let has = |colours: [Color; 2]| used.iter().any(|colour| colours.contains(colour));
    assert!(!(has([Color::Red, Color::LightRed]) && has([Color::Green, Color::LightGreen])), "{used:?}");
}

#[test]
fn a_theme_of_ones_own_inherits_and_overrides() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine.toml"), "inherits = \"mono\"\n[roles]\nlive = { fg = \"red\" }")
        .unwrap();
    let mine = Theme::load("mine", Some(directory.path()), Capability::Sixteen).unwrap();
    assert_eq!(mine.style(Role::Live).fg, Some(Color::Red));
    assert_eq!(mine.style(Role::Bad), load("mono", Capability::Sixteen).style(Role::Bad));
}

#[test]
fn a_bad_theme_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text, says) in [
        ("circle", "inherits = \"circle\"", "circle"),
        ("role", "[roles]\nlife = {}", "no role \"life\""),
        ("colour", "[roles]\nlive = { fg = \"reddish\" }", "no colour"),
        ("field", "[roles]\nlive = { italic = true }", "unknown field"),
    ] {
        std::fs::write(directory.path().join(format!("{name}.toml")), text).unwrap();
        let error = Theme::load(name, Some(directory.path()), Capability::Rgb).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    assert!(Theme::load("../etc/passwd", Some(directory.path()), Capability::Rgb).is_err());
}

#[test]
fn palette_names_have_a_value_to_measure_by() {
    assert_eq!(capability::value(Color::Black), Some((0, 0, 0)));
    assert_eq!(capability::value(Color::Rgb(1, 2, 3)), Some((1, 2, 3)));
    assert_eq!(capability::value(Color::Reset), None);
}
