//! `kind = "matrix"`.

use super::{
    Kind, ProviderSettings,
    http::{self, HttpServer},
};
use crate::config::{ConfigError, SecretReference, section::Section};

const KEYS: &[&str] = &["homeserver", "access_token"];

pub(super) const KIND: Kind =
    Kind { word: "matrix", keys: &[KEYS, http::KEYS], read: |section| read(section).map(ProviderSettings::Matrix) };

/// A Synapse homeserver, reached as one of its server admins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixSettings {
    /// Where its client and admin API answer: `https://matrix.example.com`.
    pub server: HttpServer,
    /// The access token of a server admin.
    pub access_token: SecretReference,
}

impl MatrixSettings {
    /// Where it is. Quoted, so that no two places come to the same text.
    pub(super) fn place(&self) -> String {
        format!("{:?}", [self.server.url.as_str()])
    }
}

fn read(section: &Section<'_>) -> Result<MatrixSettings, ConfigError> {
    Ok(MatrixSettings {
        server: http::read(section, "homeserver")?,
        access_token: section.required_secret("access_token")?,
    })
}
