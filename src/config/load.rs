//! Two files become one configuration.
//!
//! ```text
//! /etc/estop/config.toml (root's) ──┐
//!                                   ├─▶ read strictly ─▶ merged ─▶ checked as a whole ─▶ Config
//! the user's, or --config FILE ─────┘
//! ```
//!
//! The second goes over the first, except that it never loosens what the first protects.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FileType, Mode, OFlags};

use super::{
    BotConfig, Config, ConfigError, Console, Notice,
    error::{nearest, suggestion},
    findings,
    layer::Layer,
    section::Located,
};
use crate::domain::{IdentityId, Untrusted};

/// A configuration is never bigger.
const MAX_BYTES: u64 = 1024 * 1024;
/// The file that the host's administrators own.
const SYSTEM_FILE: &str = "/etc/estop/config.toml";

/// Which files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The system-wide file; it may be missing.
    pub system: PathBuf,
    /// The user's file.
    pub user: Option<PathBuf>,
    /// Whether the user's file was named (`--config`, `ESTOP_CONFIG`), so that it must be there.
    pub named: bool,
}

impl Sources {
    /// The usual places; a file that was named takes the place of the user's.
    pub fn usual(named: Option<&Path>) -> Self {
        Self {
            system: PathBuf::from(SYSTEM_FILE),
            user: named.map(Path::to_owned).or_else(user_file),
            named: named.is_some(),
        }
    }
}

/// Where the user's configuration is: `estop/config.toml` in the configuration directory; `None` without a home.
pub fn user_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "estop").map(|directories| directories.config_dir().join("config.toml"))
}

/// Reads what there is. `None`: there is no configuration at all.
///
/// `themes` are the names that `[console].theme` may have; another one is a notice.
///
/// # Errors
/// [`ConfigError`] at the first thing that is wrong: estop never starts half configured.
pub fn load(sources: &Sources, themes: &[&str]) -> Result<Option<(Config, Vec<Notice>)>, ConfigError> {
    let system = match text_of(&sources.system, true, false)? {
        Some(text) => Some(Layer::read(&sources.system, &text)?),
        None => None,
    };
    let user = match &sources.user {
        Some(file) => match text_of(file, false, sources.named)? {
            Some(text) => Some(Layer::read(file, &text)?),
            None => None,
        },
        None => None,
    };
    if system.is_none() && user.is_none() {
        return Ok(None);
    }
    merge(system, user, themes).map(Some)
}

/// The file's text; `None` where it is not there and need not be.
fn text_of(file: &Path, of_root: bool, required: bool) -> Result<Option<String>, ConfigError> {
    let wrong = |why: String| ConfigError::file(file, why);
    // Non-blocking, so that a FIFO in its place cannot hold us.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let descriptor = match rustix::fs::open(file, flags, Mode::empty()) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) if !required => return Ok(None),
        Err(error) => return Err(wrong(format!("cannot be opened: {}", std::io::Error::from(error)))),
    };
    let stat = rustix::fs::fstat(&descriptor).map_err(|error| wrong(format!("cannot be looked at: {error}")))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(wrong("is not a regular file: name one".to_owned()));
    }
    if of_root && (stat.st_uid != 0 || stat.st_mode & 0o022 != 0) {
        let mode = stat.st_mode & 0o7777;
        let why = format!("belongs to user {} with mode {mode:04o}: it must be root's alone to write", stat.st_uid);
        return Err(wrong(why));
    }
    // It may name commands to run and servers to trust.
    if stat.st_mode & 0o002 != 0 {
        return Err(wrong("can be written by everybody: chmod o-w it".to_owned()));
    }
    let mut text = String::new();
    match File::from(descriptor).take(MAX_BYTES + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 > MAX_BYTES => Err(wrong("is bigger than 1 MiB: name the right file".to_owned())),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(wrong(format!("cannot be read as text: {error}"))),
    }
}

/// Puts the user's file over the system's and checks the whole.
pub(super) fn merge(
    system: Option<Layer>,
    user: Option<Layer>,
    themes: &[&str],
) -> Result<(Config, Vec<Notice>), ConfigError> {
    if let (Some(system), Some(user)) = (&system, &user) {
        keeps(user, "approver_group", user.approver_group.as_ref(), system.approver_group.as_ref())?;
        keeps(user, "responder_group", user.responder_group.as_ref(), system.responder_group.as_ref())?;
        if let Some((key, value)) = user.thresholds.differing(&system.thresholds) {
            return Err(
                user.error(&value.at, format!("{key} is set system-wide and cannot be changed here: remove it"))
            );
        }
    }
    let mut layers: Vec<Layer> = system.into_iter().chain(user).collect();
    check(&layers)?;
    let mut config = Config::default();
    for layer in &mut layers {
        config.files.push(layer.file.clone());
        let console = &mut config.console;
        replace(&mut console.theme, layer.theme.take());
        replace(&mut console.color, layer.color.take());
        console.ascii = layer.ascii.unwrap_or(console.ascii);
        console.mouse = layer.mouse.unwrap_or(console.mouse);
        console.keys.retain(|old| layer.keys.iter().all(|new| new.action != old.action));
        console.keys.append(&mut layer.keys);
        replace(&mut console.fallback_dir, layer.fallback_dir.take());
        replace(&mut console.approver_group, layer.approver_group.take().map(|group| group.value));
        replace(&mut console.responder_group, layer.responder_group.take().map(|group| group.value));
        // The smaller one: a file of one's own cannot let more through than the system's.
        console.collateral_cap = console.collateral_cap.into_iter().chain(layer.collateral_cap).min();
        console.read_only |= layer.read_only.unwrap_or(false);
        for id in layer.protected.drain(..) {
            if !console.protected.contains(&id.value) {
                console.protected.push(id.value);
            }
        }
        if let Some(select) = layer.select.take() {
            config.select = select;
        }
        layer.thresholds.apply(&mut config.policy);
        config.providers.extend(layer.providers.drain(..).map(|provider| provider.value));
        config.bots.extend(layer.bots.drain(..).map(BotConfig::from));
    }
    let mut notices = check_theme(&mut config.console, themes);
    notices.extend(findings::over(&config.policy));
    Ok((config, notices))
}

fn replace<T>(place: &mut Option<T>, newer: Option<T>) {
    if newer.is_some() {
        *place = newer;
    }
}

/// A group that the system's file sets is the one; the user's may only repeat it.
fn keeps(
    user: &Layer,
    key: &str,
    theirs: Option<&Located<String>>,
    ours: Option<&Located<String>>,
) -> Result<(), ConfigError> {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs.value != ours.value => {
            Err(user.error(&theirs.at, format!("{key} is set system-wide and cannot be changed here: remove it")))
        }
        _ => Ok(()),
    }
}

/// What must be unique, and what must be known, over both files.
fn check(layers: &[Layer]) -> Result<(), ConfigError> {
    let mut providers: Vec<&str> = Vec::new();
    for layer in layers {
        for Located { value, at } in &layer.providers {
            if providers.contains(&value.name.as_str()) {
                let what = format!("two providers are named {}: give each a name of its own", value.name);
                return Err(layer.error(at, what));
            }
            providers.push(value.name.as_str());
        }
    }
    let mut bots: Vec<&str> = Vec::new();
    let mut owners: BTreeMap<&IdentityId, &str> = BTreeMap::new();
    for layer in layers {
        for bot in &layer.bots {
            let shown = Untrusted::new(bot.name.value.as_str()).shown_in(60);
            if bots.contains(&bot.name.value.as_str()) {
                return Err(
                    layer.error(&bot.name.at, format!("two bots are named {shown}: give each a name of its own"))
                );
            }
            bots.push(&bot.name.value);
            for id in &bot.identities {
                is_known(layer, id, &providers)?;
                if let Some(other) = owners.insert(&id.value, &bot.name.value) {
                    let other = Untrusted::new(other).shown_in(60);
                    let what = format!("{} is already one of {other}: an identity is of one bot", id.value);
                    return Err(layer.error(&id.at, what));
                }
            }
        }
        for id in &layer.protected {
            is_known(layer, id, &providers)?;
        }
    }
    Ok(())
}

fn is_known(layer: &Layer, id: &Located<IdentityId>, providers: &[&str]) -> Result<(), ConfigError> {
    let provider = id.value.provider().as_str();
    if providers.contains(&provider) {
        return Ok(());
    }
    let shown = Untrusted::new(provider).shown_in(60);
    Err(layer.error(&id.at, format!("no provider is named {shown}: {}", suggestion(provider, providers))))
}

fn check_theme(console: &mut Console, themes: &[&str]) -> Vec<Notice> {
    let Some(theme) = console.theme.take_if(|theme| !themes.contains(&theme.as_str())) else { return Vec::new() };
    let near = nearest(&theme, themes.iter().copied()).map(|near| format!("; did you mean {near}?"));
    let shown = Untrusted::new(theme).shown_in(60);
    vec![Notice::new(format!("no theme is named {shown}: the default is used{}", near.unwrap_or_default()))]
}
