//! One step, one request that changes anything.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ADMIN, Matrix, admin,
    facts::{action, param},
    read,
    wire::ErrorWire,
};
use crate::{
    domain::{Answer, AnswerKind, Step, Untrusted},
    engine::ProviderError,
    providers::http::{Call, Reply, unsent},
};

pub(super) async fn perform(matrix: &Matrix, step: &Step, key: Uuid) -> Answer {
    let call = match request(step) {
        Ok(call) => call,
        Err(why) => return Answer::unsendable("http", format!("the step cannot be sent: {why}")),
    };
    // Not for one that was listed: the gate does not wait for a read.
    if step.params.contains_key(param::UNSEEN)
        && let Err(error) = read::user(matrix, step.identity.native()).await
    {
        return match error {
            ProviderError::Gone(_) => Answer::new(AnswerKind::Gone, "http", "404"),
            error => unsent(&error),
        };
    }
    let (mut answer, reply) = matrix.account.mutate(call, key, ADMIN).await;
    if let Some(reply) = reply.filter(|reply| !reply.status.is_success()) {
        refine(&mut answer, &reply);
    }
    answer
}

/// The server's own word, and how long it wants to be left alone.
fn refine(answer: &mut Answer, reply: &Reply) {
    let Ok(error) = serde_json::from_slice::<ErrorWire>(reply.body()) else { return };
    if let AnswerKind::Throttled { retry_after_ms } = &mut answer.kind {
        *retry_after_ms = retry_after_ms.or(error.retry_after_ms);
    }
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_.".contains(&byte);
    if error.errcode.len() <= 64 && error.errcode.bytes().all(is_code) {
        answer.detail = Some(Untrusted::new(error.errcode));
    }
}

fn request(step: &Step) -> Result<Call, String> {
    let id = step.identity.native();
    let put = |path: &[&str], body: Value| Call::new(Method::PUT, admin(path)).json(&body);
    let post = |path: &[&str], body: Value| Call::new(Method::POST, admin(path)).json(&body);
    Ok(match step.action.word() {
        action::LOCK => put(&["v2", "users", id], json!({ "locked": true })),
        action::UNLOCK => put(&["v2", "users", id], json!({ "locked": false })),
        action::DEACTIVATE => post(&["v1", "deactivate", id], json!({ "erase": false })),
        // In the body: a device's name is its client's own, and might not do in a path.
        action::END_DEVICE => {
            let device = step.params.get(param::DEVICE).and_then(Value::as_str);
            let device = device.filter(|device| !device.is_empty()).ok_or("it names no device")?;
            post(&["v2", "users", id, "delete_devices"], json!({ "devices": [device] }))
        }
        // One that nobody knows: it is made for this request, and kept nowhere.
        action::RESET_PASSWORD => {
            let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            post(&["v1", "reset_password", id], json!({ "new_password": password, "logout_devices": true }))
        }
        other => return Err(format!("{other} is nothing that estop does there")),
    })
}

#[cfg(test)]
#[path = "perform/tests.rs"]
mod tests;
