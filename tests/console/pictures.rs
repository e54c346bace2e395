//! README's pictures: the real buffers as SVG, in `assets/screens`. `UPDATE_GOLDEN=1` writes them anew.

use std::{fmt::Write as _, fs, path::PathBuf};

use anstyle::{AnsiColor, Color, RgbColor, Style};
use anstyle_svg::{Palette, Term};
use estop::{
    domain::Outcome,
    tui::{message::Message, screen, state::State, theme::Capability, theme::Glyphs, update::update},
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Color as Shown,
};
use unicode_width::UnicodeWidthStr;

use super::{fake, screens};

const fn rgb(hex: u32) -> RgbColor {
    let [_, r, g, b] = hex.to_be_bytes();
    RgbColor(r, g, b)
}

/// Sixteen colours that can be read on the dark background of a picture.
const PALETTE: Palette = Palette([
    rgb(0x1c_20_26),
    rgb(0xf0_71_78),
    rgb(0x8c_c8_7c),
    rgb(0xe6_c0_6a),
    rgb(0x7a_a8_f5),
    rgb(0xc6_96_e0),
    rgb(0x6a_c5_cc),
    rgb(0xc8_cc_d4),
    rgb(0x7c_84_90),
    rgb(0xff_8b_92),
    rgb(0xa6_de_98),
    rgb(0xf5_d6_88),
    rgb(0x9a_c0_ff),
    rgb(0xda_b0_f0),
    rgb(0x8a_dc_e2),
    rgb(0xf2_f4_f8),
]);

fn style(cell: &Cell) -> Style {
    let color = |color: Shown| (color != Shown::Reset).then(|| Color::from(color));
    Style::new().fg_color(color(cell.fg)).bg_color(color(cell.bg)).effects(cell.modifier.into())
}

/// The rows of a buffer as a terminal would be sent them.
fn ansi(buffer: &Buffer) -> String {
    let mut rows = Vec::new();
    for y in 0..buffer.area.height {
        let (mut row, mut pen) = (String::new(), Style::new());
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            if style(cell) != pen {
                write!(row, "{pen:#}").unwrap();
                pen = style(cell);
                write!(row, "{pen}").unwrap();
            }
            row.push_str(cell.symbol());
            x += u16::try_from(cell.symbol().width().max(1)).unwrap();
        }
        rows.push(format!("{row}{pen:#}"));
    }
    rows.join("\n")
}

/// Compares with `assets/screens/NAME.svg`.
fn assert(name: &str, prepare: impl Fn(&mut State)) {
    let mut state = fake::state(120, 34, fake::look(Capability::Sixteen, Glyphs::UNICODE), false);
    prepare(&mut state);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 34));
    screen::draw(&state, &mut buffer);
    let term = Term::new()
        .palette(PALETTE)
        .fg_color(AnsiColor::White.into())
        .bg_color(AnsiColor::Black.into())
        .min_width_px(0);
    let found = term.render_svg(&ansi(&buffer));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/screens").join(format!("{name}.svg"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{name} is not as in {}: UPDATE_GOLDEN=1 writes it", path.display());
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&format!("(assets/screens/{name}.svg)")), "README does not show {name}");
}

#[test]
fn readme_shows_each_screen() {
    assert("fleet", screens::on_sales);
    assert("isolation", |state| screens::struck(state, 3));
    assert("dark", |state| {
        screens::struck(state, 7);
        update(state, Message::EngineSpoke(screens::ended(Outcome::Dark)));
    });
    assert("restore", |state| super::restore::planned(state, estop::domain::RestoreMode::FalseAlarm, false));
    assert("secret", super::secret::whose);
    assert("journal", screens::with_lines);
    assert("help", |state| {
        screens::on_sales(state);
        screens::press(state, "?");
    });
}
