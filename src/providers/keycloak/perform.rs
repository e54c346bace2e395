//! One step, one request that changes anything. Its answer is a class and a code; what the server made anew (a secret,
//! a registration token) is dropped unread.

use std::sync::atomic::{AtomicI64, Ordering};

use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Keycloak,
    steps::{action, param},
    wire::ClientWire,
};
use crate::{
    domain::{Answer, AnswerKind, Step},
    engine::ProviderError,
    providers::http::{Call, Grounds, answer_to, check_id, unsent},
};

/// From computing a not-before to the server's applying it. A second too late spares what was minted in it; a second
/// too early harms nobody.
const TRANSIT: SignedDuration = SignedDuration::from_millis(500);

/// What cannot be sent: the step's own data is not what this version writes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unusable(String);

pub(super) async fn perform(keycloak: &Keycloak, step: &Step, key: Uuid) -> Answer {
    let action = step.action.word();
    let authorization = match authorization(keycloak, step).await {
        Ok(flag) => flag,
        Err(answer) => return answer,
    };
    // What the server set aside as too old: told by the request that was sent last.
    let not_before = AtomicI64::new(0);
    let request = || {
        // Exclusive, in whole seconds: one more than the second in which the server can be when it gets it, and
        // computed now, so that nothing minted since the plan was made is spared.
        let now = keycloak.clock.steady();
        let arrival = now.checked_add(TRANSIT).unwrap_or(now);
        let second = keycloak.server_clock().latest_second(arrival) + 1;
        not_before.store(second, Ordering::Relaxed);
        request(keycloak, step, authorization, second).map(|call| call.key(key))
    };
    if let Err(Unusable(why)) = request() {
        return Answer::unsendable("http", format!("the step cannot be sent: {why}"));
    }
    // It was built once above, from the same data.
    let sent = keycloak.authorized(true, || request().expect("the request can be built")).await;
    let mut answer = match sent {
        Ok(result) => answer_to(&result, permission_of(step), keycloak.clock.now()),
        Err(error) => unsent(&error),
    };
    if step.gate && answer.kind == AnswerKind::Accepted {
        // What is minted until here may be as young as this, by the clock that stamps it.
        let second = keycloak.server_clock().latest_second(keycloak.clock.steady());
        answer.values.insert("server-second".to_owned(), second);
    }
    if action == action::DISABLE_CLIENT && answer.kind == AnswerKind::Accepted {
        answer.values.insert("client.not-before".to_owned(), not_before.load(Ordering::Relaxed));
    }
    refine(keycloak, action, &mut answer);
    answer
}

/// Deleting a rotated secret without the right answers 500 instead of 403.
fn refine(keycloak: &Keycloak, action: &str, answer: &mut Answer) {
    let server_error = answer.code == StatusCode::INTERNAL_SERVER_ERROR.as_str();
    if action == action::DELETE_ROTATED && server_error && keycloak.token.own().has("manage-clients") == Some(false) {
        answer.kind = AnswerKind::Refused { permission: Some("manage-clients".to_owned()) };
    }
    // Linked already: asked twice, or somebody was faster. A read tells.
    if action == action::LINK_AGAIN && answer.code == StatusCode::CONFLICT.as_str() {
        answer.kind = AnswerKind::Accepted;
        return;
    }
    // "Duplicate resource error": two writes met. It was not done and may be repeated.
    if answer.code == StatusCode::CONFLICT.as_str() {
        answer.kind = AnswerKind::Transient;
    }
}

fn permission_of(step: &Step) -> &str {
    match step.action.word() {
        action::REMOVE_ROLE | action::ADD_ROLE => step.missing_permission.as_deref().unwrap_or("manage-users"),
        action::DISABLE_USER
        | action::LOG_OUT
        | action::END_SESSION
        | action::END_OFFLINE
        | action::WITHDRAW
        | action::LEAVE_GROUP
        | action::UNLINK
        | action::ENABLE_USER
        | action::JOIN_GROUP
        | action::LINK_AGAIN => "manage-users",
        _ => "manage-clients",
    }
}

/// Whether the client has authorization services, which every PUT has to repeat. A step made from the listing knows;
/// one that does not asks first.
async fn authorization(keycloak: &Keycloak, step: &Step) -> Result<Option<bool>, Answer> {
    let action = step.action.word();
    let puts_back = matches!(action, action::ENABLE_CLIENT | action::RESTORE_KEYS | action::RESTORE_TRUST);
    if !puts_back && !matches!(action, action::DISABLE_CLIENT | action::REMOVE_KEYS | action::CUT_TRUST) {
        return Ok(None);
    }
    if let Some(flag) = step.params.get(param::AUTHORIZATION).and_then(Value::as_bool) {
        return Ok(Some(flag));
    }
    let id = step.identity.native();
    let call = || Call::get(keycloak.path(&["clients", id]));
    let grounds = Grounds { what: "reading a client before it is written", permission: "view-clients" };
    match keycloak.get::<ClientWire>(call, grounds).await {
        Ok(wire) => Ok(Some(wire.authorization_services_enabled.unwrap_or(false))),
        Err(ProviderError::Gone(_)) => Err(Answer::new(AnswerKind::Gone, "http", "404")),
        Err(error) => Err(unsent(&error)),
    }
}

fn text<'a>(step: &'a Step, name: &str) -> Result<&'a str, Unusable> {
    step.params.get(name).and_then(Value::as_str).ok_or_else(|| Unusable(format!("{name} is missing")))
}

/// An id of Keycloak's own, checked before it stands in a path.
fn id<'a>(step: &'a Step, name: &str) -> Result<&'a str, Unusable> {
    let id = text(step, name)?;
    check_id(id).map_err(|problem| Unusable(format!("{name}: {problem}")))?;
    Ok(id)
}

fn request(keycloak: &Keycloak, step: &Step, authorization: Option<bool>, not_before: i64) -> Result<Call, Unusable> {
    let call = |method: Method, rest: &[&str]| Call::new(method, keycloak.path(rest));
    Ok(match step.action.word() {
        // Exactly these: a representation read earlier would carry secrets back to life, a PUT without the
        // authorization flag deletes the client's authorization settings, and one without attributes fails under a
        // rotation policy and leaves the client enabled.
        action::DISABLE_CLIENT => call(Method::PUT, &["clients", id(step, param::CLIENT)?]).json(&json!({
            "enabled": false,
            "notBefore": not_before,
            "authorizationServicesEnabled": authorization.unwrap_or(false),
            "attributes": {},
        })),
        action::REMOVE_KEYS | action::CUT_TRUST => {
            call(Method::PUT, &["clients", id(step, param::CLIENT)?]).json(&json!({
                "authorizationServicesEnabled": authorization.unwrap_or(false),
                "attributes": emptied(step)?,
            }))
        }
        // Nothing but the switch: the not-before that was set stays, and so do all that somebody changed since.
        action::ENABLE_CLIENT => call(Method::PUT, &["clients", id(step, param::CLIENT)?]).json(&json!({
            "enabled": true,
            "authorizationServicesEnabled": authorization.unwrap_or(false),
            "attributes": {},
        })),
        action::RESTORE_KEYS | action::RESTORE_TRUST => {
            call(Method::PUT, &["clients", id(step, param::CLIENT)?]).json(&json!({
                "authorizationServicesEnabled": authorization.unwrap_or(false),
                "attributes": values(step)?,
            }))
        }
        action::NEW_SECRET => call(Method::POST, &["clients", id(step, param::CLIENT)?, "client-secret"]),
        action::DELETE_ROTATED => {
            call(Method::DELETE, &["clients", id(step, param::CLIENT)?, "client-secret", "rotated"])
        }
        action::NEW_REGISTRATION => {
            call(Method::POST, &["clients", id(step, param::CLIENT)?, "registration-access-token"])
        }
        action::DELETE_INITIAL => call(Method::DELETE, &["clients-initial-access", id(step, param::TOKEN)?]),
        _ => return request_on_user(keycloak, step),
    })
}

fn request_on_user(keycloak: &Keycloak, step: &Step) -> Result<Call, Unusable> {
    let call = |method: Method, rest: &[&str]| Call::new(method, keycloak.path(rest));
    let user = || id(step, param::USER);
    Ok(match step.action.word() {
        action::DISABLE_USER => call(Method::PUT, &["users", user()?]).json(&json!({ "enabled": false })),
        action::ENABLE_USER => call(Method::PUT, &["users", user()?]).json(&json!({ "enabled": true })),
        action::LOG_OUT => call(Method::POST, &["users", user()?, "logout"]),
        action::END_SESSION => call(Method::DELETE, &["sessions", id(step, param::SESSION)?]),
        action::END_OFFLINE => {
            call(Method::DELETE, &["sessions", id(step, param::SESSION)?]).query("isOffline", "true")
        }
        action::WITHDRAW => call(Method::DELETE, &["users", user()?, "consents", text(step, param::CLIENT_ID)?]),
        action::LEAVE_GROUP => call(Method::DELETE, &["users", user()?, "groups", id(step, param::GROUP)?]),
        action::UNLINK => call(Method::DELETE, &["users", user()?, "federated-identity", text(step, param::LINK)?]),
        action::JOIN_GROUP => call(Method::PUT, &["users", user()?, "groups", id(step, param::GROUP)?]),
        action::LINK_AGAIN => {
            let alias = text(step, param::LINK)?;
            call(Method::POST, &["users", user()?, "federated-identity", alias]).json(&json!({
                "identityProvider": alias,
                "userId": text(step, param::LINK_USER)?,
                "userName": text(step, param::LINK_NAME)?,
            }))
        }
        action @ (action::REMOVE_ROLE | action::ADD_ROLE) => {
            let container = id(step, param::CONTAINER)?;
            let path = if container == "realm" {
                keycloak.path(&["users", user()?, "role-mappings", "realm"])
            } else {
                keycloak.path(&["users", user()?, "role-mappings", "clients", container])
            };
            let role = json!([{ "id": text(step, param::ROLE_ID)?, "name": text(step, param::ROLE)? }]);
            Call::new(if action == action::ADD_ROLE { Method::POST } else { Method::DELETE }, path).json(&role)
        }
        other => return Err(Unusable(format!("this version of estop does not know {other}"))),
    })
}

/// An empty value removes an attribute; absent ones stay.
fn emptied(step: &Step) -> Result<Value, Unusable> {
    let names = step.params.get(param::ATTRIBUTES).and_then(Value::as_array);
    let names: Vec<&str> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() {
        return Err(Unusable(format!("{} is missing", param::ATTRIBUTES)));
    }
    Ok(names.into_iter().map(|name| (name.to_owned(), Value::from(""))).collect())
}

/// Attributes to be set again, by name.
fn values(step: &Step) -> Result<Value, Unusable> {
    let values = step.params.get(param::VALUES).and_then(Value::as_object).filter(|values| !values.is_empty());
    values.map(|values| Value::Object(values.clone())).ok_or_else(|| Unusable(format!("{} is missing", param::VALUES)))
}

#[cfg(test)]
mod tests;
