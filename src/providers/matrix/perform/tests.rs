use super::*;
use crate::{
    domain::{Depth, IdentityState, RestoreMode, StepRecord, StepState},
    providers::matrix::{
        restore, steps,
        testing::{Homeserver, account, bot, matrix, user},
    },
};

const KEY: Uuid = Uuid::from_u128(7);

fn every_step() -> Vec<Step> {
    let before = account(false, false, &["AAA"]);
    let burn = steps::steps(&before, Depth::Burn);
    let done: Vec<StepRecord> = burn
        .iter()
        .map(|step| StepRecord { state: StepState::Verified, ..StepRecord::planned(step.clone()) })
        .collect();
    let back = restore::restore(&before, &account(true, false, &["AAA"]), &done, RestoreMode::Rotate);
    let more = back.first.into_iter().chain(back.then).filter(|step| !step.by_hand);
    let mut all = burn;
    all.extend(more.filter(|step| step.action.word() != action::END_DEVICE));
    all
}

#[tokio::test(start_paused = true)]
async fn every_step_is_exactly_one_change() {
    let server = Homeserver::new(|line| if line.starts_with("GET") { (200, user(false)) } else { (200, json!({})) });
    let matrix = matrix(server.clone());
    for step in every_step() {
        assert_eq!(perform(&matrix, &step, KEY).await.kind, AnswerKind::Accepted, "{}", step.action.word());
    }
    let seen = server.seen();
    let changes: Vec<String> = seen
        .iter()
        .filter(|(line, _)| !line.starts_with("GET"))
        .map(|(line, body)| {
            let secret = body.split("new_password\":\"").nth(1).and_then(|rest| rest.split('"').next());
            format!("{line} {}", body.replace(secret.unwrap_or("none of it"), "…"))
        })
        .collect();
    assert_eq!(seen.len(), changes.len(), "no read stands before the gate of an account that was listed");
    assert_eq!(
        changes,
        [
            "PUT /v2/users/@helpdesk:chat.example {\"locked\":true}",
            "POST /v2/users/@helpdesk:chat.example/delete_devices {\"devices\":[\"AAA\"]}",
            "POST /v1/deactivate/@helpdesk:chat.example {\"erase\":false}",
            "POST /v1/reset_password/@helpdesk:chat.example {\"logout_devices\":true,\"new_password\":\"…\"}",
            "PUT /v2/users/@helpdesk:chat.example {\"locked\":false}",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_that_nobody_has_seen_is_looked_for_and_not_made() {
    let server = Homeserver::new(|line| {
        let missing = json!({ "errcode": "M_NOT_FOUND", "error": "User not found" });
        if line.starts_with("GET") { (404, missing) } else { (201, json!({})) }
    });
    let matrix = matrix(server.clone());
    let gate = steps::gate(&bot(IdentityState::Unknown)).remove(0);
    assert_eq!(perform(&matrix, &gate, KEY).await.kind, AnswerKind::Gone);
    assert_eq!(server.seen().len(), 1);
    assert!(server.seen().iter().all(|(line, _)| line.starts_with("GET")));
}

#[tokio::test(start_paused = true)]
async fn answers_are_classed_by_the_servers_own_words() {
    let device = steps::steps(&account(false, false, &["AAA"]), Depth::Isolate).remove(1);
    for (status, body, kind, detail) in [
        (200, json!({}), AnswerKind::Accepted, None),
        (404, json!({ "errcode": "M_NOT_FOUND" }), AnswerKind::Gone, Some("M_NOT_FOUND")),
        (
            403,
            json!({ "errcode": "M_FORBIDDEN", "error": "You are not a server admin" }),
            AnswerKind::Refused { permission: Some(ADMIN.to_owned()) },
            Some("M_FORBIDDEN"),
        ),
        (
            401,
            json!({ "errcode": "M_UNKNOWN_TOKEN" }),
            AnswerKind::Refused { permission: None },
            Some("M_UNKNOWN_TOKEN"),
        ),
        (
            429,
            json!({ "errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2_000 }),
            AnswerKind::Throttled { retry_after_ms: Some(2_000) },
            Some("M_LIMIT_EXCEEDED"),
        ),
        (502, json!({ "errcode": "syt_c2VjcmV0_aaaa" }), AnswerKind::Transient, None),
    ] {
        let matrix = matrix(Homeserver::new(move |_| (status, body.clone())));
        let answer = perform(&matrix, &device, KEY).await;
        assert_eq!(answer.kind, kind, "{status}");
        if detail.is_some() {
            assert_eq!(answer.detail.as_ref().map(Untrusted::raw), detail, "{status}");
        }
        assert!(!format!("{answer:?}").contains("syt_"), "{answer:?}");
    }
}
