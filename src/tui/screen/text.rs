//! Sections of wrapped text, as panes put them together.

use crate::tui::{
    paint::{Line, piece},
    state::Look,
    theme::Role,
};

/// Lines that grow.
pub struct Text<'a> {
    look: &'a Look,
    width: usize,
    /// So far.
    pub lines: Vec<Line>,
}

impl<'a> Text<'a> {
    /// Nothing yet, for so many columns.
    pub const fn new(look: &'a Look, width: usize) -> Self {
        Self { look, width, lines: Vec::new() }
    }

    /// The head of a section.
    pub fn heading(&mut self, title: &str, rest: impl Into<String>) {
        self.lines.push(vec![piece(Role::Heading, format!(" {title}  ")), piece(Role::Dim, rest)]);
    }

    /// A paragraph of it.
    pub fn say(&mut self, role: Role, text: &str) {
        let wrapped = self.look.wrap(&self.look.text(text), self.width.saturating_sub(4));
        self.lines.extend(wrapped.into_iter().map(|line| vec![piece(role, format!("   {line}"))]));
    }

    /// A section with one item a paragraph; none: no section.
    pub fn section(&mut self, title: &str, role: Role, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.heading(title, items.len().to_string());
        for item in items {
            let wrapped = self.look.wrap(&self.look.text(item), self.width.saturating_sub(6));
            for (index, line) in wrapped.into_iter().enumerate() {
                let indent = if index == 0 { "   " } else { "     " };
                self.lines.push(vec![piece(role, format!("{indent}{line}"))]);
            }
        }
    }
}
