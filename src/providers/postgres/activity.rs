//! What a role's sessions last did. The server keeps one state a session, no log: the newest statement's first word.

use jiff::Timestamp;

use crate::domain::{Activity, Untrusted};

use super::{
    catalog::{Catalog, Oid, Session},
    identity,
};

/// The newest state of each session, newest first.
pub fn activity(catalog: &Catalog, role: Oid, since: Option<Timestamp>, limit: usize) -> Vec<Activity> {
    let mut found: Vec<Activity> = catalog
        .sessions_of(role)
        .filter_map(of_session)
        .filter(|activity| since.is_none_or(|since| activity.at > since))
        .collect();
    found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.session.cmp(&b.session)));
    found.truncate(limit);
    found
}

/// The end user, only where the application says so in its own name: `kb; on_behalf_of=alice`.
pub fn on_behalf_of(application: &str) -> Option<Untrusted> {
    application
        .split([';', ',', ' '])
        .find_map(|word| word.strip_prefix("on_behalf_of="))
        .filter(|user| !user.is_empty())
        .map(Untrusted::from)
}

fn of_session(session: &Session) -> Option<Activity> {
    let state = session.state.as_deref().unwrap_or(&session.backend);
    let action = match &session.verb {
        Some(verb) => format!("{verb} ({state})"),
        None => state.to_owned(),
    };
    Some(Activity {
        at: identity::at_ms(session.changed_ms)?,
        action: Untrusted::new(action),
        resource: session.database.as_ref().map(|name| Untrusted::new(format!("database {name}"))),
        on_behalf_of: on_behalf_of(&session.application),
        session: Some(Untrusted::new(session.native())),
        from: session.client.clone().map(Untrusted::new),
        outcome: Untrusted::from("success"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_user_is_told_never_guessed() {
        for (application, user) in [
            ("kb; on_behalf_of=alice", Some("alice")),
            ("on_behalf_of=bob", Some("bob")),
            ("alice", None),
            ("on_behalf_of=", None),
            ("not_on_behalf_of=x", None),
        ] {
            assert_eq!(on_behalf_of(application).as_ref().map(Untrusted::raw), user, "{application}");
        }
    }

    #[test]
    fn newest_first_after_the_cursor() {
        let session = |pid, at| Session { pid, user: 1, changed_ms: Some(at), ..Session::default() };
        let catalog = Catalog { sessions: vec![session(1, 10), session(2, 30), session(3, 20)], ..Catalog::default() };
        let times = |since, limit| {
            let found = activity(&catalog, 1, since, limit);
            found.iter().map(|activity| activity.at.as_millisecond()).collect::<Vec<_>>()
        };
        assert_eq!(times(None, 9), [30, 20, 10]);
        assert_eq!(times(identity::at_ms(Some(10)), 1), [30]);
    }
}
