//! `:` commands: every action of the key table by its name, and what Tab makes of a beginning. Pure.
//!
//! ```text
//! : ─▶ line ─Tab─▶ completed: command, bot, incident, theme, column ─Enter─▶ as the key would, but never at what was not shown
//! ```

use tui_input::Input;

use super::{
    action::Action,
    fleet::{Column, Grouping},
    keymap,
};

/// Candidates that are offered at once.
const OFFERED: usize = 40;
/// How like a word must be to be offered in place of one that is unknown.
const ALIKE: f64 = 0.75;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// What a key does.
    Act(Action),
    /// Goes to a bot.
    Bot,
}

/// What stands behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A bot's name.
    Bot,
    /// An incident's id.
    Incident,
    /// A theme's name.
    Theme,
    /// A column's name, and a direction.
    Column,
    /// What rows are put together by.
    Grouping,
    /// Any text.
    Text,
}

impl Command {
    /// Each of them, in the order of the key table.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for binding in keymap::DEFAULT {
            if !all.contains(&Self::Act(binding.action)) {
                all.push(Self::Act(binding.action));
            }
        }
        all.push(Self::Bot);
        all
    }

    /// The word that one types.
    pub fn name(self) -> String {
        match self {
            Self::Act(action) => action.id(),
            Self::Bot => "bot".to_owned(),
        }
    }

    /// What may stand behind it.
    pub const fn takes(self) -> Takes {
        match self {
            Self::Bot | Self::Act(Action::Isolate | Action::Burn | Action::Retry | Action::Restore) => Takes::Bot,
            Self::Act(Action::Open) => Takes::Incident,
            Self::Act(Action::Theme) => Takes::Theme,
            Self::Act(Action::Sort) => Takes::Column,
            Self::Act(Action::Group) => Takes::Grouping,
            Self::Act(Action::Filter | Action::Search | Action::Note) => Takes::Text,
            Self::Act(_) => Takes::Nothing,
        }
    }

    /// The command of a word.
    ///
    /// # Errors
    /// One sentence, with the command that comes nearest.
    pub fn of(word: &str) -> Result<Self, String> {
        let all = Self::all();
        if let Some(command) = all.iter().find(|command| command.name() == word) {
            return Ok(*command);
        }
        let near = nearest(word, all.iter().map(|command| command.name()));
        Err(unknown("command", word, near))
    }
}

/// One sentence about a word that nothing is named by.
pub fn unknown(what: &str, word: &str, near: Option<String>) -> String {
    let hint = near.map_or_else(|| ": Tab shows what there is".to_owned(), |near| format!(": is it {near}?"));
    format!("there is no {what} {word}{hint}")
}

/// The name that comes nearest to a word, if any comes near.
pub fn nearest(word: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let word = word.to_lowercase();
    let likeness = names.map(|name| (strsim::jaro_winkler(&word, &name.to_lowercase()), name));
    let best = likeness.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness > ALIKE).map(|(_, name)| name)
}

/// The command's word and what stands behind it.
pub fn split(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

/// Directions of an order, as typed; of each whether it goes down.
const DIRECTIONS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

/// `COLUMN` or `COLUMN asc|desc`: the column, and whether it stands the other way round than usual.
///
/// # Errors
/// One sentence about the word that is none of those.
pub fn column(typed: &str) -> Result<(Column, bool), String> {
    let (name, direction) = split(typed);
    let known = Column::ALL.into_iter().find(|column| column.id() == spelt(name));
    let Some(column) = known else {
        return Err(unknown("column", name, nearest(name, Column::ALL.iter().map(|one| one.id().to_owned()))));
    };
    if direction.is_empty() {
        return Ok((column, false));
    }
    match DIRECTIONS.iter().find(|(word, _)| *word == direction) {
        Some((_, down)) => Ok((column, *down != column.descends())),
        None => Err(format!("{direction} is no direction: type asc or desc behind {}", column.id())),
    }
}

/// What rows are put together by.
///
/// # Errors
/// One sentence about the word that is nothing of the kind.
pub fn grouping(typed: &str) -> Result<Grouping, String> {
    let known = Grouping::ALL.into_iter().find(|grouping| grouping.id() == spelt(typed));
    let names = || Grouping::ALL.iter().map(|one| one.id().to_owned());
    known.ok_or_else(|| unknown("group", typed, nearest(typed, names())))
}

/// As the filter has it, an environment may be typed short.
fn spelt(name: &str) -> &str {
    if name == "env" { Column::Environment.id() } else { name }
}

/// What Tab offers for an order: the columns, then each with a direction.
fn columns() -> Vec<String> {
    let alone = Column::ALL.iter().map(|column| column.id().to_owned());
    let directed = Column::ALL.iter().flat_map(|column| DIRECTIONS.map(|(word, _)| format!("{} {word}", column.id())));
    alone.chain(directed).collect()
}

/// What names there are.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// Of bots.
    pub bots: Vec<String>,
    /// Of incidents.
    pub incidents: Vec<String>,
    /// Of themes.
    pub themes: Vec<String>,
}

/// The lines that a line may become, the likeliest first.
pub fn candidates(line: &str, names: &Names) -> Vec<String> {
    let line = line.trim_start();
    let Some((word, rest)) = line.split_once(char::is_whitespace) else {
        let all = Command::all().into_iter().map(Command::name);
        return all.filter(|name| name.starts_with(line)).take(OFFERED).collect();
    };
    let Ok(command) = Command::of(word) else { return Vec::new() };
    let (columns, groupings);
    let known = match command.takes() {
        Takes::Bot => &names.bots,
        Takes::Incident => &names.incidents,
        Takes::Theme => &names.themes,
        Takes::Column => {
            columns = self::columns();
            &columns
        }
        Takes::Grouping => {
            groupings = Grouping::ALL.iter().map(|one| one.id().to_owned()).collect();
            &groupings
        }
        Takes::Nothing | Takes::Text => return Vec::new(),
    };
    let wanted = rest.trim_start().to_lowercase();
    let (begin, hold): (Vec<&String>, Vec<&String>) = known
        .iter()
        .filter(|name| name.to_lowercase().contains(&wanted))
        .partition(|name| name.to_lowercase().starts_with(&wanted));
    begin.into_iter().chain(hold).take(OFFERED).map(|name| format!("{word} {name}")).collect()
}

/// The line in which a command is typed.
#[derive(Debug, Default)]
pub struct CommandForm {
    /// What was typed.
    pub text: Input,
    turns: Option<(Vec<String>, usize)>,
}

impl CommandForm {
    /// What was typed has changed: Tab begins anew.
    pub fn changed(&mut self) {
        self.turns = None;
    }

    /// Text that was pasted, as one line.
    pub fn pasted(&mut self, text: &str) {
        self.changed();
        super::update::paste_line(&mut self.text, text);
    }

    /// Tab was pressed: as far as all candidates go together, then one after the other.
    pub fn complete(&mut self, names: &Names) {
        if let Some((all, at)) = self.turns.as_mut() {
            *at = (*at + 1) % all.len().max(1);
            let next = all.get(*at).cloned().unwrap_or_default();
            self.text = Input::new(next);
            return;
        }
        let all = candidates(self.text.value(), names);
        let typed = self.text.value().trim_start().to_owned();
        let common = common(&all);
        match &all[..] {
            [] => {}
            [only] => {
                let (word, rest) = split(only);
                let more = rest.is_empty() && Command::of(word).is_ok_and(|command| command.takes() != Takes::Nothing);
                self.text = Input::new(if more { format!("{only} ") } else { only.clone() });
            }
            _ if common.len() > typed.len() => self.text = Input::new(common),
            [first, ..] => {
                self.text = Input::new(first.clone());
                self.turns = Some((all, 0));
            }
        }
    }
}

/// The beginning that all of them have.
fn common(all: &[String]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let mut end = first.len();
    for other in &all[1..] {
        let same = first.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b);
        end = end.min(same.last().map_or(0, |((at, a), _)| at + a.len_utf8()));
    }
    first[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Names {
            bots: list(&["helpdesk", "sales", "sales-staging", "Ünïcode bot"]),
            incidents: list(&["0193-a", "0194-b"]),
            themes: list(&["dusk", "paper", "mono"]),
        }
    }

    #[test]
    fn every_action_of_the_table_is_a_command_by_its_name() {
        for binding in keymap::DEFAULT {
            let name = Command::Act(binding.action).name();
            assert_eq!(Command::of(&name), Ok(Command::Act(binding.action)), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
        assert_eq!(Command::of("page-up"), Ok(Command::Act(Action::PageUp)));
        assert_eq!(Command::of("bot"), Ok(Command::Bot));
    }

    #[test]
    fn an_unknown_word_is_told_with_the_nearest() {
        for (word, says) in [
            ("isolte", "there is no command isolte: is it isolate?"),
            ("quti", "there is no command quti: is it quit?"),
            ("zzzz", "there is no command zzzz: Tab shows what there is"),
        ] {
            assert_eq!(Command::of(word), Err(says.to_owned()));
        }
    }

    #[test]
    fn lines_are_completed() {
        for (typed, tabs, wanted) in [
            ("bur", 1, "burn "),
            ("isola", 1, "isolat"),
            ("isolat", 1, "isolate"),
            ("isolat", 2, "isolations"),
            ("isolat", 3, "isolate"),
            ("isolate h", 1, "isolate helpdesk"),
            ("bot sa", 1, "bot sales"),
            ("bot sales", 1, "bot sales"),
            ("bot sales", 2, "bot sales-staging"),
            ("bot ü", 1, "bot Ünïcode bot"),
            ("bot stag", 1, "bot sales-staging"),
            ("open 0194", 1, "open 0194-b"),
            ("theme p", 1, "theme paper"),
            ("sort ow", 1, "sort owner"),
            ("sort owner", 2, "sort owner asc"),
            ("sort owner d", 1, "sort owner desc"),
            ("sort la", 1, "sort last"),
            ("group p", 1, "group provider"),
            ("group no", 1, "group none"),
            ("note sa", 1, "note sa"),
            ("quit x", 1, "quit x"),
            ("nothing", 1, "nothing"),
            ("  bur", 1, "burn "),
        ] {
            let mut form = CommandForm { text: Input::new(typed.to_owned()), ..CommandForm::default() };
            (0..tabs).for_each(|_| form.complete(&names()));
            assert_eq!(form.text.value(), wanted, "{typed:?} and {tabs} tabs");
        }
    }

    #[test]
    fn every_column_and_group_is_reached_by_its_name_in_both_directions() {
        for one in Column::ALL {
            assert_eq!(column(one.id()), Ok((one, false)));
            assert_eq!(column(&format!("{} desc", one.id())), Ok((one, !one.descends())));
            assert_eq!(column(&format!("{}  asc", one.id())), Ok((one, one.descends())));
        }
        for one in Grouping::ALL {
            assert_eq!(grouping(one.id()), Ok(one));
        }
        assert_eq!(column("env"), Ok((Column::Environment, false)));
        assert_eq!(grouping("env"), Ok(Grouping::Environment));
        for (typed, says) in [
            ("onwer", "there is no column onwer: is it owner?"),
            ("zzz", "there is no column zzz: Tab shows what there is"),
            ("owner down", "down is no direction: type asc or desc behind owner"),
        ] {
            assert_eq!(column(typed), Err(says.to_owned()));
        }
        assert_eq!(grouping("provder"), Err("there is no group provder: is it provider?".to_owned()));
    }

    proptest! {
        #[test]
        fn no_line_panics_and_every_candidate_is_a_command(line in "\\PC{0,30}", tabs in 0usize..5) {
            let mut form = CommandForm { text: Input::new(line.clone()), ..CommandForm::default() };
            for candidate in candidates(&line, &names()) {
                prop_assert!(Command::of(split(&candidate).0).is_ok());
            }
            for _ in 0..tabs {
                form.complete(&names());
            }
            let _ = Command::of(split(&line).0);
        }
    }
}
