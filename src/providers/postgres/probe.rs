//! Uses a leaked password once: a login at the configured server, which ends as soon as it is let in. It mints nothing.

use super::{
    error::{Class, Failure},
    owners::Leak,
    pool::Pool,
};
use crate::domain::{LeakedSecret, Owner, Probed, ProviderName};

pub(super) async fn probe(name: &ProviderName, pool: &Pool, secret: &LeakedSecret, owner: &Owner) -> Probed {
    let (alive, said) = match Leak::of(secret.expose()) {
        Some(leak) if leak.user == owner.name.raw() => judge(pool.log_in_as(&leak.user, &leak.password).await),
        Some(_) => (None, "it is no database URL of this role".to_owned()),
        // A bare password: whose it is was told by the server's verifier.
        None => judge(pool.log_in_as(owner.name.raw(), secret.expose().trim()).await),
    };
    Probed { at: name.clone(), alive, said }
}

/// Only the server's own word about the login counts as a refusal. Who is let in but may not use the database has the
/// right password all the same.
fn judge(answer: Result<(), Failure>) -> (Option<bool>, String) {
    match answer {
        Ok(()) => (Some(true), "login: let in".to_owned()),
        Err(Failure { class: Class::Auth, code, .. }) => (Some(false), format!("login: refused ({code})")),
        Err(Failure { class: Class::Refused, code, .. }) => {
            (Some(true), format!("login: the password is right, the database is refused ({code})"))
        }
        Err(failure) => (None, format!("login: {} {}", failure.code, failure.detail).replace("  ", " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_word_about_the_login_tells() {
        let failure = |class, code: &str| Err(Failure { code: code.to_owned(), ..Failure::new(class, "x") });
        for (answer, alive) in [
            (Ok(()), Some(true)),
            (failure(Class::Auth, "28P01"), Some(false)),
            (failure(Class::Auth, "28000"), Some(false)),
            (failure(Class::Refused, "42501"), Some(true)),
            (failure(Class::Unreachable, "53300"), None),
            (failure(Class::Unreachable, ""), None),
            (failure(Class::Lost, ""), None),
            (failure(Class::Rejected, "3D000"), None),
        ] {
            assert_eq!(judge(answer.clone()).0, alive, "{answer:?}");
        }
    }
}
