//! Strict reading of one TOML table: every key is known, every value has its type, every error has its line.

use std::{
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, SecretReference, error::suggestion};
use crate::domain::Untrusted;

/// The file that a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'t> {
    pub(super) file: &'t Path,
    pub(super) text: &'t str,
}

impl Origin<'_> {
    /// A path of the file: relative ones are relative to it.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new(".")).join(path)
    }

    /// An error at a place in the file.
    pub(super) fn error(&self, at: &Range<usize>, what: impl Into<String>) -> ConfigError {
        ConfigError::Entry { file: self.file.to_owned(), line: self.line(at), what: what.into() }
    }

    /// The line of a place in the file, from 1.
    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        // A span ends on a character, but an error at the very end may point behind it.
        let before = self.text.get(..at.start).unwrap_or(self.text);
        1 + before.matches('\n').count()
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

impl<T> Located<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), at: self.at }
    }
}

/// One table of the file.
#[derive(Debug, Clone)]
pub(super) struct Section<'t> {
    origin: Origin<'t>,
    title: &'t str,
    table: &'t DeTable<'t>,
    at: Range<usize>,
}

impl<'t> Section<'t> {
    /// The table with that title; any key that is not among `keys` is an error.
    pub(super) fn new(
        origin: Origin<'t>,
        title: &'t str,
        table: &'t DeTable<'t>,
        at: Range<usize>,
        keys: &[&str],
    ) -> Result<Self, ConfigError> {
        for key in table.keys() {
            if !keys.contains(&key.get_ref().as_ref()) {
                let shown = Untrusted::new(key.get_ref().as_ref()).shown_in(60);
                let near = suggestion(key.get_ref(), keys);
                return Err(origin.error(&key.span(), format!("unknown key {shown} in {title}: {near}")));
            }
        }
        Ok(Self { origin, title, table, at })
    }

    /// The same table, read once more with fewer keys.
    pub(super) fn narrowed(&self, keys: &[&str]) -> Result<Self, ConfigError> {
        Self::new(self.origin, self.title, self.table, self.at.clone(), keys)
    }

    /// The tables under a key: `[key]` is one, `[[key]]` may be several.
    pub(super) fn tables(&self, key: &str, title: &'t str, keys: &[&str]) -> Result<Vec<Self>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = |at: &Range<usize>| self.error(at, format!("{key} must be written as {title}"));
        let of = |value: &'t Spanned<DeValue<'t>>| match value.get_ref().as_table() {
            Some(table) => Self::new(self.origin, title, table, value.span(), keys),
            None => Err(wrong(&value.span())),
        };
        match (value.get_ref().as_array(), title.starts_with("[[")) {
            (Some(list), true) => list.iter().map(of).collect(),
            (None, false) => of(value).map(|section| vec![section]),
            _ => Err(wrong(&value.span())),
        }
    }

    /// The table under a key whose own keys somebody else checks.
    pub(super) fn open(&self, key: &str, title: &'t str) -> Result<Option<Self>, ConfigError> {
        let wanted = format!("a table: {title}");
        let read = self.typed(key, &wanted, DeValue::as_table)?;
        Ok(read.map(|Located { value: table, at }| Self { origin: self.origin, title, table, at }))
    }

    /// The keys of this table.
    pub(super) fn names(&self) -> impl Iterator<Item = Located<String>> {
        self.table.keys().map(|key| Located { value: key.get_ref().to_string(), at: key.span() })
    }

    /// A text, a list of texts, or `false` for none.
    pub(super) fn words(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        match self.get(key).map(Spanned::get_ref) {
            Some(DeValue::Boolean(false)) => Ok(Vec::new()),
            Some(DeValue::Array(_)) => {
                Ok(self.texts(key)?.unwrap_or_default().into_iter().map(|text| text.value).collect())
            }
            _ => {
                let wanted = "a text, a list of texts, or false";
                let read = self.typed(key, wanted, |value| value.as_str().map(str::to_owned))?;
                Ok(read.map(|text| text.value).into_iter().collect())
            }
        }
    }

    /// An error at a place of this table's file.
    pub(super) fn error(&self, at: &Range<usize>, what: impl Into<String>) -> ConfigError {
        self.origin.error(at, what)
    }

    pub(super) fn origin(&self) -> Origin<'t> {
        self.origin
    }

    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Option<T>,
    ) -> Result<Option<Located<T>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || {
            let is = value.get_ref().type_str();
            self.error(&value.span(), format!("{key} must be {wanted}, not of type {is}"))
        };
        let read = read(value.get_ref()).ok_or_else(wrong)?;
        Ok(Some(Located { value: read, at: value.span() }))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<Located<String>>, ConfigError> {
        let read = self.typed(key, "a text in quotes", |value| value.as_str().map(str::to_owned))?;
        match read {
            Some(Located { value, at }) if value.trim().is_empty() => {
                Err(self.error(&at, format!("{key} is empty: fill it in or leave it out")))
            }
            read => Ok(read),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str) -> Result<Located<String>, ConfigError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn missing(&self, key: &str) -> ConfigError {
        self.error(&self.at, format!("{} has no {key}: add it", self.title))
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str) -> Result<Option<Located<bool>>, ConfigError> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// A whole number in that range.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<Located<u32>>, ConfigError> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(read) = self.typed(key, &wanted, DeValue::as_integer)? else { return Ok(None) };
        let digits: String = read.value.as_str().chars().filter(|character| *character != '_').collect();
        match u32::from_str_radix(&digits, read.value.radix()) {
            Ok(number) if range.contains(&number) => Ok(Some(read.map(|_| number))),
            _ => Err(self.error(&read.at, format!("{key} must be {wanted}"))),
        }
    }

    /// A list of texts; missing is empty.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<Located<String>>>, ConfigError> {
        let wanted = "a list of texts";
        let Some(list) = self.typed(key, wanted, DeValue::as_array)? else { return Ok(None) };
        let mut texts = Vec::with_capacity(list.value.len());
        for item in list.value {
            match item.get_ref().as_str() {
                Some(text) if !text.trim().is_empty() => {
                    texts.push(Located { value: text.to_owned(), at: item.span() });
                }
                Some(_) => return Err(self.error(&item.span(), format!("{key} has an empty entry: remove it"))),
                None => {
                    let is = item.get_ref().type_str();
                    return Err(self.error(&item.span(), format!("{key} must be {wanted}, not of type {is}")));
                }
            }
        }
        Ok(Some(texts))
    }

    /// A reference to a secret that must be there.
    pub(super) fn required_secret(&self, key: &'t str) -> Result<SecretReference, ConfigError> {
        self.secret(key)?.ok_or_else(|| self.missing(key))
    }

    /// A reference to a secret. The secret itself, in its place, is an error that does not quote it.
    pub(super) fn secret(&self, key: &'t str) -> Result<Option<SecretReference>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let Some(table) = value.get_ref().as_table() else {
            let what = format!(
                "{key} holds the secret itself: move it to a file of mode 0600, replace it, and write \
                 {key} = {{ file = \"…\" }}, {{ env = \"NAME\" }} or {{ command = [\"…\"] }}"
            );
            return Err(self.error(&value.span(), what));
        };
        let section = Self::new(self.origin, key, table, value.span(), &["env", "file", "command"])?;
        let (env, file, command) = (section.text("env")?, section.text("file")?, section.texts("command")?);
        match (env, file, command) {
            (Some(env), None, None) if is_variable_name(&env.value) => Ok(Some(SecretReference::Env(env.value))),
            (Some(env), None, None) => {
                let what = format!("{key}: env takes the name of a variable (letters, digits, _), not a value");
                Err(self.error(&env.at, what))
            }
            (None, Some(file), None) => Ok(Some(SecretReference::File(self.origin.path(&file.value)))),
            (None, None, Some(words)) if !words.is_empty() => {
                let mut words: Vec<String> = words.into_iter().map(|word| word.value).collect();
                if words[0].contains('/') {
                    words[0] = self.origin.path(&words[0]).to_string_lossy().into_owned();
                }
                Ok(Some(SecretReference::Command(words)))
            }
            _ => {
                let what = format!("{key} takes exactly one of {{ env }}, {{ file }} and {{ command }}");
                Err(self.error(&value.span(), what))
            }
        }
    }
}

fn is_variable_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
        && text.len() <= 128
}
