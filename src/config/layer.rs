//! What one file says, before the other is known.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use super::{
    BotConfig, COLORS, ConfigError, KeySetting, ProviderConfig, Select,
    findings::{self, Thresholds},
    keys, provider,
    section::{Located, Origin, Section},
    select,
};
use crate::domain::{BotName, IdentityId, Untrusted};

/// What one file says.
pub(super) struct Layer {
    pub(super) file: PathBuf,
    pub(super) theme: Option<String>,
    pub(super) read_only: Option<bool>,
    pub(super) protected: Vec<Located<IdentityId>>,
    pub(super) approver_group: Option<Located<String>>,
    pub(super) responder_group: Option<Located<String>>,
    pub(super) collateral_cap: Option<usize>,
    pub(super) fallback_dir: Option<PathBuf>,
    pub(super) color: Option<String>,
    pub(super) ascii: Option<bool>,
    pub(super) mouse: Option<bool>,
    pub(super) keys: Vec<KeySetting>,
    pub(super) select: Option<Select>,
    pub(super) thresholds: Thresholds,
    pub(super) providers: Vec<Located<ProviderConfig>>,
    pub(super) bots: Vec<BotLayer>,
    text: String,
}

/// What one `[[bot]]` says.
pub(super) struct BotLayer {
    pub(super) name: Located<String>,
    pub(super) owner: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) identities: Vec<Located<IdentityId>>,
}

impl Layer {
    /// Reads one file strictly; what needs the other file too is checked by [`merge`].
    pub(super) fn read(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let origin = Origin { file, text };
        let document = DeTable::parse(text).map_err(|error| {
            // The library's own display quotes the line, and a secret may be on it.
            let at = error.span().unwrap_or(0..0);
            // A bare key is no secret; a value never looks like what such an error is about.
            let key = text
                .get(at.clone())
                .filter(|_| error.message() == "duplicate key")
                .map_or_else(String::new, |key| format!(" {}", Untrusted::new(key).shown_in(60)));
            origin.error(&at, format!("this is no TOML: {}{key}", Untrusted::new(error.message()).shown_in(120)))
        })?;
        let keys = ["console", "select", "findings", "provider", "bot"];
        let root = Section::new(origin, "the file", document.get_ref(), 0..0, &keys)?;
        let mut layer = Self {
            file: file.to_owned(),
            theme: None,
            read_only: None,
            protected: Vec::new(),
            approver_group: None,
            responder_group: None,
            collateral_cap: None,
            fallback_dir: None,
            color: None,
            ascii: None,
            mouse: None,
            keys: Vec::new(),
            select: None,
            thresholds: Thresholds::default(),
            providers: Vec::new(),
            bots: Vec::new(),
            text: text.to_owned(),
        };
        let console_keys = [
            "theme",
            "read_only",
            "protected",
            "approver_group",
            "responder_group",
            "collateral_cap",
            "fallback_dir",
            "color",
            "ascii",
            "mouse",
            "keys",
        ];
        for console in root.tables("console", "[console]", &console_keys)? {
            layer.read_console(&console)?;
        }
        for section in root.tables("select", "[select]", &["names", "attributes"])? {
            layer.select = Some(select::read(&section)?);
        }
        for section in root.tables("findings", "[findings]", &findings::keys())? {
            layer.thresholds = findings::read(&section)?;
        }
        for section in root.tables("provider", "[[provider]]", &provider::all_keys())? {
            layer.providers.push(provider::read(&section)?);
        }
        for section in root.tables("bot", "[[bot]]", &["name", "owner", "contact", "environment", "identities"])? {
            layer.bots.push(read_bot(&section)?);
        }
        Ok(layer)
    }

    fn read_console(&mut self, console: &Section<'_>) -> Result<(), ConfigError> {
        self.theme = console.text("theme")?.map(|theme| theme.value);
        self.read_only = console.flag("read_only")?.map(|flag| flag.value);
        self.approver_group = console.text("approver_group")?;
        self.responder_group = console.text("responder_group")?;
        self.collateral_cap =
            console.number("collateral_cap", 0..=u32::MAX)?.and_then(|cap| usize::try_from(cap.value).ok());
        self.fallback_dir = console.text("fallback_dir")?.map(|path| console.origin().path(&path.value));
        self.protected = identities(console, "protected")?;
        self.color = match console.text("color")? {
            Some(color) if !COLORS.contains(&color.value.as_str()) => {
                let what = format!("color is none of {}: take one of them", COLORS.join(", "));
                return Err(console.error(&color.at, what));
            }
            color => color.map(|color| color.value),
        };
        self.ascii = console.flag("ascii")?.map(|flag| flag.value);
        self.mouse = console.flag("mouse")?.map(|flag| flag.value);
        self.keys = keys::read(console)?;
        Ok(())
    }

    /// An error at a place of this file.
    pub(super) fn error(&self, at: &Range<usize>, what: impl Into<String>) -> ConfigError {
        Origin { file: &self.file, text: &self.text }.error(at, what)
    }
}

fn read_bot(section: &Section<'_>) -> Result<BotLayer, ConfigError> {
    let name = section.required("name")?;
    if name.value.len() > 200 {
        return Err(section.error(&name.at, "a bot's name is at most 200 bytes"));
    }
    let plain = |text: Option<Located<String>>| text.map(|text| text.value);
    let bot = BotLayer {
        owner: plain(section.text("owner")?),
        contact: plain(section.text("contact")?),
        environment: plain(section.text("environment")?),
        identities: identities(section, "identities")?,
        name,
    };
    if bot.identities.is_empty() {
        return Err(section.missing("identities"));
    }
    Ok(bot)
}

fn identities(section: &Section<'_>, key: &str) -> Result<Vec<Located<IdentityId>>, ConfigError> {
    let mut ids = Vec::new();
    for Located { value, at } in section.texts(key)?.unwrap_or_default() {
        match value.parse() {
            Ok(id) => ids.push(Located { value: id, at }),
            Err(error) => {
                let shown = Untrusted::new(value).shown_in(60);
                return Err(section.error(&at, format!("{key}: {shown} is no identity: {error}")));
            }
        }
    }
    Ok(ids)
}

impl From<BotLayer> for BotConfig {
    fn from(layer: BotLayer) -> Self {
        Self {
            name: BotName::new(layer.name.value),
            owner: layer.owner.map(Into::into),
            contact: layer.contact.map(Into::into),
            environment: layer.environment.map(Into::into),
            identities: layer.identities.into_iter().map(|id| id.value).collect(),
        }
    }
}
