//! Other clients whose secrets a bot could read or change: cutting the bot leaves those in the thief's hands.

use std::collections::BTreeSet;

use super::{children::Made, list, reader::Reader, record::Record, scopes::Effective};
use crate::domain::{Exposure, IdentityId, Untrusted};

/// So many are named; how many there are is said with each.
const MOST: usize = 100;
/// Admin roles whose holder reads every client's secret in the plain listing of clients.
const READING: [&str; 3] = ["manage-clients", "view-clients", "realm-admin"];

pub(super) async fn read(reader: &Reader<'_>, bot: &Record, effective: &Effective, made: &Made) -> Vec<Exposure> {
    let changed = &made.changed;
    let children: BTreeSet<&str> = made.children.iter().map(|child| child.id.native()).collect();
    let keycloak = reader.keycloak;
    let role = READING.into_iter().find(|role| effective.has_admin(&keycloak.settings.realm, role));
    if role.is_none() && changed.is_empty() {
        return Vec::new();
    }
    let (records, error) = list::records(keycloak).await;
    if let Some(error) = error {
        reader.failed(Some("exposure"), &error);
    }
    let mut exposed: Vec<(Record, String)> = records
        .into_iter()
        .filter(|record| record.id != bot.id && !children.contains(record.id.as_str()))
        .filter_map(|record| {
            let why = why(&record, role, changed)?;
            Some((record, why))
        })
        .collect();
    // Bots first: a client without a service account opens less with its secret.
    exposed.sort_by(|(a, _), (b, _)| (!a.service_accounts, &a.client_id).cmp(&(!b.service_accounts, &b.client_id)));
    let count = exposed.len();
    let more = if count > MOST { format!(" ({count} clients in all, {MOST} named)") } else { String::new() };
    exposed
        .into_iter()
        .take(MOST)
        .map(|(record, why)| Exposure {
            identity: IdentityId::new(keycloak.settings.name.clone(), record.id),
            name: Untrusted::from(record.client_id),
            bot: None,
            why: format!("{why}{more}"),
        })
        .collect()
}

fn why(record: &Record, role: Option<&str>, changed: &BTreeSet<String>) -> Option<String> {
    if changed.contains(&record.id) {
        return Some("it changed this client, by the realm's admin events".to_owned());
    }
    let role = role.filter(|_| record.has_secret())?;
    Some(format!("role {role} reads every client's secret"))
}
