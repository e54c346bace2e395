use std::collections::BTreeSet;

use super::*;
use crate::domain::{Family, HoldingId, IdentityId, IdentityKind, Scope};
use crate::providers::keycloak::credentials::holding;

fn identity(account: Option<&str>) -> Identity {
    let mut hints = BTreeMap::from([(hint::AUTHORIZATION.to_owned(), "false".to_owned())]);
    if let Some(account) = account {
        hints.insert(hint::SERVICE_ACCOUNT.to_owned(), account.to_owned());
    }
    Identity {
        hints: hints.into(),
        ..Identity::new(
            IdentityId::new(ProviderName::new("sso"), "c1"),
            Untrusted::from("bot"),
            IdentityKind::ServiceAccount,
            IdentityState::Live,
        )
    }
}

fn own(roles: &[&str]) -> Own {
    Own { roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()), ..Own::default() }
}

fn reading(holdings: &[(&str, &str, HoldingState)]) -> Reading {
    let identity = identity(Some("sa1"));
    let id = identity.id.clone();
    let mut reading = Reading::of(identity, jiff::Timestamp::UNIX_EPOCH);
    reading.holdings = holdings
        .iter()
        .map(|(class, native, state)| holding(&id, (class, native), (Lane::Tokens, Family::Token), class, *state))
        .collect();
    reading
}

fn words(steps: &[Step]) -> Vec<(&str, u8)> {
    let mut words: Vec<(&str, u8)> = steps.iter().map(|step| (step.action.word(), step.rank)).collect();
    words.sort_unstable();
    words
}

fn planned(reading: &Reading, depth: Depth) -> Vec<Step> {
    all(&ProviderName::new("sso"), &own(&["realm-admin"]), reading, depth)
}

#[test]
fn the_gate_is_known_from_the_identity_alone() {
    let provider = ProviderName::new("sso");
    let both = gate(&provider, &own(&["realm-admin"]), &identity(Some("sa1")));
    assert_eq!(words(&both), [("disable-client", 0), ("disable-user", 0)]);
    assert!(both.iter().all(|step| step.gate));
    let objects: BTreeSet<&str> = both.iter().map(|step| step.object.as_str()).collect();
    assert_eq!(objects, BTreeSet::from(["sso:client/c1", "sso:user/sa1"]));
    assert_eq!(words(&gate(&provider, &own(&[]), &identity(None))), [("disable-client", 0)]);
}

#[test]
fn isolating_ends_what_leaked_and_leaves_the_rest_gated() {
    use HoldingState::Live;
    let all = [
        (class::SECRET, "sha256:aa", Live),
        (class::ROTATED, "sha256:bb", Live),
        (class::KEY, "sha256:cc", Live),
        (class::REGISTRATION, "any", Live),
    ];
    let plain = planned(&reading(&all), Depth::Isolate);
    for (leaked, more) in [
        (class::SECRET, &["delete-rotated-secret", "regenerate-secret"][..]),
        (class::ROTATED, &["delete-rotated-secret"]),
        (class::KEY, &["remove-keys"]),
    ] {
        let mut reading = reading(&all);
        for holding in &mut reading.holdings {
            holding.leaked = holding.id.class() == leaked;
        }
        let steps = planned(&reading, Depth::Isolate);
        let mut added: Vec<&str> = steps
            .iter()
            .map(|step| step.action.word())
            .filter(|word| !words(&plain).iter().any(|(w, _)| w == word))
            .collect();
        added.sort_unstable();
        assert_eq!(added, more, "{leaked}");
        assert_eq!(planned(&reading, Depth::Burn), planned(&self::reading(&all), Depth::Burn), "burning takes all");
    }
}

#[test]
fn isolating_leaves_secrets_and_burning_ends_them_in_order() {
    use HoldingState::{Gated, Gone, Live};
    let reading = reading(&[
        (class::SECRET, "sha256:aa", Live),
        (class::ROTATED, "sha256:bb", Gone),
        (class::KEY, "sha256:cc", Gated),
        (class::REGISTRATION, "any", Live),
        (class::TOKENS, "any", Live),
    ]);
    let isolate = planned(&reading, Depth::Isolate);
    assert_eq!(words(&isolate), [("disable-client", 0), ("disable-user", 0), ("log-out", 1)]);
    let burn = planned(&reading, Depth::Burn);
    let more =
        [("delete-rotated-secret", 3), ("regenerate-secret", 2), ("remove-keys", 1), ("rotate-registration-token", 4)];
    for step in more {
        assert!(words(&burn).contains(&step), "{step:?}");
    }
    assert_eq!(burn.len(), isolate.len() + more.len());
}

#[test]
fn what_is_gone_or_unlisted_is_not_struck() {
    let reading = reading(&[
        (class::SESSION, "u1/s1", HoldingState::Gone),
        (class::CONSENT, "u1", HoldingState::Gone),
        (class::UNLISTED, "any", HoldingState::Unlisted),
        (class::MADE, "user/u9", HoldingState::Unlisted),
    ]);
    assert_eq!(planned(&reading, Depth::Isolate).len(), 3);
    let mut gone = reading;
    gone.identity.state = IdentityState::Gone;
    assert_eq!(planned(&gone, Depth::Burn), Vec::new());
}

#[test]
fn a_grantors_sessions_end_before_the_consent_on_one_object() {
    let reading = reading(&[
        (class::CONSENT, "u1", HoldingState::Live),
        (class::SESSION, "u1/s1", HoldingState::Live),
        (class::OFFLINE, "u1/s2", HoldingState::Gated),
    ]);
    let steps = planned(&reading, Depth::Isolate);
    let mut of_user: Vec<&Step> = steps.iter().filter(|step| step.object.as_str() == "sso:user/u1").collect();
    of_user.sort_by_key(|step| step.rank);
    let order: Vec<&str> = of_user.iter().map(|step| step.action.word()).collect();
    assert_eq!(order, ["end-session", "end-offline-session", "withdraw-consent"]);
    assert!(steps.iter().all(|step| step.action.word() != "log-out" || step.object.as_str() == "sso:user/sa1"));
}

#[test]
fn a_step_knows_what_is_missing_for_it() {
    let mut reading = reading(&[
        (class::ROLE, "rm/r1/realm-admin", HoldingState::Live),
        (class::ROLE, "rm/r2/query-groups", HoldingState::Live),
        (class::ROLE, "rm/r3/manage-clients", HoldingState::Live),
        (class::ROLE, "app/r4/realm-admin", HoldingState::Live),
    ]);
    for (holding, role) in reading.holdings.iter_mut().zip(["realm-admin", "query-groups", "manage-clients"]) {
        holding.scopes = vec![Scope {
            resource: Untrusted::from("administration of realm bots"),
            verb: Untrusted::from(role),
            level: Level::Admin,
            mint: role != "query-groups",
            via: None,
        }];
    }
    let provider = ProviderName::new("sso");
    let of = |roles: &[&str]| -> Vec<(String, Option<String>)> {
        all(&provider, &own(roles), &reading, Depth::Isolate)
            .into_iter()
            .filter(|step| step.action.word() == "remove-role")
            .map(|step| (step.params[param::ROLE_ID].as_str().expect("an id").to_owned(), step.missing_permission))
            .collect()
    };
    let some = |role: &str| Some(role.to_owned());
    let id = |id: &str| id.to_owned();
    assert_eq!(
        of(&["manage-clients", "manage-users"]),
        [(id("r1"), some("realm-admin")), (id("r2"), None), (id("r3"), None), (id("r4"), None)]
    );
    assert_eq!(
        of(&["view-users"]),
        [
            (id("r1"), some("realm-admin")),
            (id("r2"), some("manage-users")),
            (id("r3"), some("manage-clients")),
            (id("r4"), some("manage-users"))
        ]
    );
}

#[test]
fn step_ids_are_stable_and_the_plan_twice_is_the_plan_once() {
    let reading =
        reading(&[(class::SECRET, "sha256:aa", HoldingState::Live), (class::TOKENS, "any", HoldingState::Live)]);
    assert_eq!(planned(&reading, Depth::Burn), planned(&reading, Depth::Burn));
    let ids: BTreeSet<String> = planned(&reading, Depth::Burn).iter().map(|step| step.id.to_string()).collect();
    assert!(ids.contains("sso:c1/disable-client") && ids.contains("sso:c1/log-out"), "{ids:?}");
}

#[test]
fn deleting_the_rotated_secret_covers_the_one_that_is_replaced() {
    let reading = reading(&[(class::SECRET, "sha256:aa", HoldingState::Live)]);
    let steps = planned(&reading, Depth::Burn);
    let delete = steps.iter().find(|step| step.action.word() == "delete-rotated-secret").expect("planned");
    let rotated = HoldingId::new(reading.identity.id.clone(), class::ROTATED, "sha256:aa");
    assert_eq!(delete.postcondition, Postcondition::All { of: vec![Postcondition::Absent { holding: rotated }] });
}
