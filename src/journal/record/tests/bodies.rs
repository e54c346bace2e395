//! An entry of every kind.

use jiff::Timestamp;

use crate::{
    domain::{
        AnswerKind, Depth, Fingerprint, Identity, IdentityId, IdentityKind, IdentityState, Outcome, PlanHash,
        ProviderName, Reading, RestoreMode, RestorePlan, StepState,
    },
    journal::{Body, Entry, fixture::*},
};

fn identity() -> Identity {
    let id = IdentityId::new(ProviderName::new("sso"), "bot-0".to_owned());
    Identity::new(id, "bot \u{202e}\"0\"", IdentityKind::ServiceAccount, IdentityState::Live)
}

fn snapshot() -> Body {
    let reading = Box::new(Reading::of(identity(), Timestamp::UNIX_EPOCH));
    Body::EvidenceSnapshot { bot: bot(), reading, complete: true }
}

fn ended() -> Body {
    Body::OpEnd {
        bot: bot(),
        outcome: Outcome::Dark.word().to_owned(),
        detail: Outcome::Dark,
        cut_at: Some(Timestamp::UNIX_EPOCH),
        time_to_first_cut_ms: Some(2),
        time_to_verified_ms: None,
    }
}

fn restore(hash: PlanHash) -> Body {
    let (mode, identities) = (RestoreMode::Rotate, Vec::new());
    let plan = RestorePlan { bot: bot(), undoes: OP, mode, hash, identities, needs_approval: true };
    Body::RestoreDiff { bot: bot(), plan: Box::new(plan) }
}

fn probed() -> Body {
    Body::ProbeResult {
        bot: bot(),
        fingerprint: Fingerprint::of(b"leaked"),
        rule: "jwt".to_owned(),
        at: ProviderName::new("sso"),
        alive: None,
        said: "a \"part\":1 of nothing".to_owned(),
    }
}

/// One of every kind at least; a plan and a word that are too long for one line.
pub(super) fn every_kind() -> Vec<Entry> {
    let hash = PlanHash::of(&bot(), Depth::Isolate, &[]);
    let text = || "caf\u{e9} \u{1F6D1}\n\t\u{1b}\"".to_owned();
    let manual = Body::StepManual { step: step_id(0), instruction: text(), attested_by: None, note: Some(text()) };
    let bodies = vec![
        Body::IncidentNote { text: text().into() },
        Body::IncidentHandover { to: None, note: Some(text().into()), summary: vec![text(); 2] },
        snapshot(),
        ended(),
        manual,
        Body::ResidualSet { residual: Vec::new() },
        Body::ResidualDark { at: Timestamp::UNIX_EPOCH },
        Body::Contradicted { alive: Vec::new() },
        Body::GuardRefused { bot: None, why: "\"\\\u{1F6D1}é".repeat(8_000) },
        Body::GuardOverride { bot: bot(), why: text() },
        Body::ApprovalGiven { hash: hash.clone(), by: text(), until: Timestamp::UNIX_EPOCH },
        Body::ApprovalRefused { hash: hash.clone(), why: text() },
        restore(hash),
        Body::FindingRaise {
            bot: bot(),
            rule: "F701".to_owned(),
            severity: "high".to_owned(),
            identity: Some(identity().id),
            why: text(),
            cites: vec!["NHI7:2025".to_owned(), "ZT-3".to_owned()],
        },
        Body::FindingSuppress {
            bot: bot(),
            rule: "F701".to_owned(),
            severity: "high".to_owned(),
            identity: None,
            why: text(),
            until: Timestamp::UNIX_EPOCH,
            reason: text().into(),
        },
        probed(),
        Body::Checkpoint { size: 3, root: String::new(), note: text() },
        Body::Recovered { offset: 7, length: 9, sha256: String::new() },
        Body::ConsoleLost { by: text() },
        Body::SinkLost { what: text() },
        Body::SinkRegained { what: text() },
    ];
    let first = Entry::general(Body::IncidentOpen { title: None, follows: Some(INCIDENT) });
    let last = Entry::general(Body::IncidentClose { note: Some(text()) });
    let more = [
        intent(1, 0..200),
        attempt(1, 0, 2),
        answer(1, 0, AnswerKind::Accepted, StepState::Accepted),
        verified(1, 0),
        sweep(1),
    ];
    let general = bodies.into_iter().map(Entry::general);
    [first, claim(1)].into_iter().chain(five().split_off(1)).chain(more).chain(general).chain([last]).collect()
}
