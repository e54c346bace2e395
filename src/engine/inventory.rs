//! What was read of the providers, kept on disk, so that the next console has something to show before they answer.
//!
//! ```text
//! refresh ─▶ Part of each provider ─▶ row, masked ─▶ format ─▶ disk: new file, renamed      off the loop, seldom
//! start ──▶ disk, checked ─▶ format ─▶ Part of each provider ─▶ fleet, marked as recalled    a fresh answer replaces it
//! ```
//!
//! Nothing of it is a fresh read: a strike reads again what it is about to destroy, a name is looked up again, and a
//! provider stays unreachable until it has answered. A file that is not whole, not ours, or of other providers is no
//! inventory at all.

mod disk;
mod format;
mod row;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Listing;
use crate::domain::{IdentityId, ProviderName, Reading};

/// The file's name in the state directory.
const NAME: &str = "inventory";

/// Why there is no inventory: the end of a sentence that begins with the file's path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Somebody else could have written it, or it is no file at all.
    #[error("{0}")]
    Odd(String),
    /// Of another version of estop.
    #[error("it is of another version of estop")]
    Version,
    /// Of other providers than those that are configured now.
    #[error("it is of another configuration")]
    Other,
    /// Not what was written.
    #[error("it is damaged")]
    Damaged,
    /// There is more than is kept.
    #[error("it is larger than {} MiB", disk::MOST_BYTES >> 20)]
    TooBig,
    /// The system's word for what went wrong.
    #[error("it cannot be read or written: {0}")]
    Io(String),
}

/// What was read of one provider.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which provider.
    pub name: ProviderName,
    /// When its listing was begun.
    pub read_at: Timestamp,
    /// What it listed.
    pub listing: Arc<Listing>,
    /// Whom estop itself is there, where that is known.
    pub own: Option<IdentityId>,
    /// The readings of its identities, each with its own time.
    pub readings: Vec<Reading>,
}

/// Where an inventory is kept, and of which providers it is.
#[derive(Debug, Clone)]
pub struct Inventory {
    path: PathBuf,
    /// A digest of what tells the providers from others.
    belongs: [u8; 32],
}

impl Inventory {
    /// In a state directory. `providers`: what tells each provider from another of the same name, such as its address.
    pub fn at(state_dir: &Path, providers: impl IntoIterator<Item = String>) -> Self {
        let mut all = String::new();
        for provider in providers {
            // With its length: no two lists of texts come to the same.
            let _ = write!(all, "{}:{provider}", provider.len());
        }
        Self { path: state_dir.join(NAME), belongs: Sha256::digest(all).into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is kept. `Ok(None)`: nothing is.
    ///
    /// # Errors
    /// [`InventoryError`]: what is there is not taken.
    pub fn load(&self) -> Result<Option<Vec<Part>>, InventoryError> {
        disk::read(&self.path)?.map(|bytes| format::decode(&bytes, &self.belongs)).transpose()
    }

    /// Keeps this in the place of what was kept. Texts are masked; what holds a secret where it cannot be masked is left
    /// out, and read live the next time.
    ///
    /// # Errors
    /// [`InventoryError`]: what was kept stays.
    pub fn keep(&self, parts: &[Part]) -> Result<(), InventoryError> {
        disk::replace(&self.path, &format::encode(parts, &self.belongs)?)
    }
}

#[cfg(test)]
mod tests;
