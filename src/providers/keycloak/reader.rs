//! Reads that come in pages, and reads that may be refused: an error is a gap, never an empty list.

use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;

use super::Keycloak;
use crate::{
    domain::Gap,
    engine::ProviderError,
    providers::http::{Call, Grounds},
};

/// Entries of one page: five hundred cost a third of what pages of a hundred do, and stay below the answer's cap.
pub(super) const PAGE: usize = 500;
/// Entries of a listing at which estop stops and says so.
const MAX_ENTRIES: usize = 20_000;

/// A listing as far as it was read; the error that ended it early.
pub(super) struct Paged<T> {
    pub(super) entries: Vec<T>,
    pub(super) error: Option<ProviderError>,
}

impl Keycloak {
    /// All pages of a listing, at most [`MAX_ENTRIES`] of its entries.
    pub(super) async fn pages<T: DeserializeOwned>(&self, call: impl Fn() -> Call, grounds: Grounds<'_>) -> Paged<T> {
        self.pages_up_to(MAX_ENTRIES, call, grounds).await
    }

    /// The pages of a listing until it ends or has so many entries; that there are more is an error.
    pub(super) async fn pages_up_to<T: DeserializeOwned>(
        &self,
        most: usize,
        call: impl Fn() -> Call,
        grounds: Grounds<'_>,
    ) -> Paged<T> {
        let mut entries: Vec<T> = Vec::new();
        loop {
            let first = entries.len();
            let page = || call().query("first", first.to_string()).query("max", PAGE.to_string()).listing();
            match self.get::<Vec<T>>(page, grounds).await {
                Ok(page) => {
                    let last = page.len() < PAGE;
                    entries.extend(page);
                    if last {
                        return Paged { entries, error: None };
                    }
                }
                Err(error) => return Paged { entries, error: Some(error) },
            }
            if entries.len() >= most {
                let what = format!("{}: {}: more than {most} entries", self.settings.name, grounds.what);
                return Paged { entries, error: Some(ProviderError::BadData(what)) };
            }
        }
    }
}

/// One reading in progress: reads that fail leave a gap and the rest goes on.
pub(super) struct Reader<'a> {
    pub(super) keycloak: &'a Keycloak,
    gaps: Mutex<Vec<Gap>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(keycloak: &'a Keycloak) -> Self {
        Self { keycloak, gaps: Mutex::default() }
    }

    /// One read; `None`: not there, or a gap.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        class: Option<&str>,
        call: impl Fn() -> Call,
        grounds: Grounds<'_>,
    ) -> Option<T> {
        match self.keycloak.get(call, grounds).await {
            Ok(value) => Some(value),
            Err(ProviderError::Gone(_)) => None,
            Err(error) => {
                self.failed(class, &error);
                None
            }
        }
    }

    /// All pages of a listing; where a page fails, what came before and a gap.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        class: Option<&str>,
        call: impl Fn() -> Call,
        grounds: Grounds<'_>,
    ) -> Vec<T> {
        let paged = self.keycloak.pages(call, grounds).await;
        if let Some(error) = paged.error.filter(|error| !matches!(error, ProviderError::Gone(_))) {
            self.failed(class, &error);
        }
        paged.entries
    }

    pub(super) fn failed(&self, class: Option<&str>, error: &ProviderError) {
        self.gap(gap_of(class, error));
    }

    pub(super) fn gap(&self, gap: Gap) {
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }

    pub(super) fn into_gaps(self) -> Vec<Gap> {
        let mut gaps = self.gaps.into_inner().unwrap_or_else(PoisonError::into_inner);
        gaps.sort_by(|a, b| (&a.class, &a.what).cmp(&(&b.class, &b.what)));
        gaps
    }
}

/// What a failed read leaves open.
pub(super) fn gap_of(class: Option<&str>, error: &ProviderError) -> Gap {
    let permission = match error {
        ProviderError::Refused { permission, .. } => Some(permission.clone()),
        _ => None,
    };
    let what = match error {
        ProviderError::Refused { what, .. } => format!("{what}: not permitted"),
        other => other.to_string(),
    };
    Gap { class: class.map(str::to_owned), what, permission }
}
