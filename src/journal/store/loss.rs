//! A place to record is lost, or takes records again: the host's journal says so.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use super::Store;
use crate::journal::{Body, Entry, writer::Alarm};

impl Store {
    /// Tells the host's journal of a lost place.
    pub(super) fn alarm(&self) -> Alarm {
        let (inner, runtime) = (Arc::downgrade(&self.inner), tokio::runtime::Handle::current());
        Arc::new(move |what| {
            let Some(inner) = inner.upgrade() else { return };
            runtime.spawn(async move {
                // Where the host's journal cannot be written either, the incident's and the screen say it.
                if let Ok(host) = (Self { inner }).host().await {
                    host.append(Entry::general(Body::SinkLost { what }));
                }
            });
        })
    }

    /// Once a process: if the primary place was lost before and takes records again, the host's journal says so.
    pub(super) fn look_back(&self) {
        if self.inner.fallback.is_none() || self.inner.looked_back.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            let reader = store.clone();
            let Ok(Ok(recorded)) = tokio::task::spawn_blocking(move || reader.read_host()).await else { return };
            let last =
                recorded.records.iter().rev().filter_map(|record| record.body.known()).find_map(|body| match body {
                    Body::SinkLost { .. } => Some(true),
                    Body::SinkRegained { .. } => Some(false),
                    _ => None,
                });
            let directory = store.directory().map(Path::to_owned).unwrap_or_default();
            if last == Some(true)
                && let Ok(host) = store.host().await
                && host.trouble().is_none()
            {
                host.append(Entry::general(Body::SinkRegained { what: directory.display().to_string() }));
            }
        });
    }
}
