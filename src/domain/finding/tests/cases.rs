//! Each rule: cases in which it fires, does not, and cannot tell.

use super::*;

#[test]
fn whose_it_is() {
    let shut = |case: &mut Case| case.reading.identity.state = IdentityState::Gated;
    for (rule, says, case) in vec![
        ("F101", "fires", Case::new().secret().with(|case| case.bot.owner = None)),
        ("F101", "clear", Case::new().with(|case| case.bot.owner = None)),
        ("F101", "blind", Case::new().secret()),
        ("F102", "fires", Case::new().secret().did(91 * DAY, "LOGIN")),
        ("F102", "clear", Case::new().secret().did(89 * DAY, "LOGIN")),
        ("F102", "clear", Case::new()),
        ("F102", "blind", Case::new().secret()),
        ("F103", "fires", Case::new().secret().with(shut)),
        ("F103", "clear", Case::new().secret()),
        ("F103", "clear", Case::new().with(shut).isolated(Some(5))),
        ("F103", "blind", Case::new().with(shut)),
        ("F103", "blind", Case::new().with(shut).isolated(Some(5)).gap(None)),
        ("F103", "blind", Case::new().secret().with(shut).with(|case| case.state = BotState::Isolating)),
        ("F104", "clear", Case::new().secret()),
        ("F104", "blind", Case::new().holds("consent", Family::Grant, &[])),
        ("F201", "fires", Case::new().secret().last(|one| one.leaked = true)),
        ("F201", "clear", {
            let gated = |one: &mut Holding| (one.leaked, one.state) = (true, HoldingState::Gated);
            Case::new().secret().last(gated)
        }),
        ("F201", "blind", Case::new().secret()),
        ("F202", "clear", Case::new()),
        ("F202", "blind", Case::new().secret()),
        ("F203", "blind", Case::new().secret()),
        ("F204", "blind", Case::new()),
    ] {
        assert_eq!(case.says(rule), says, "{rule}: {:?}", case.reading);
    }
}

#[test]
fn what_it_may_do() {
    let connector = || Case::new().holds("federated-trust", Family::Connector, &[]);
    let scoped = |scopes: &[(&str, &str, Level, bool)]| Case::new().holds("role", Family::Role, scopes);
    let (users, tickets) = (("realm", "manage-users", Level::Admin, true), ("tickets", "write", Level::Write, false));
    let (mail, pages) = (("mail", "send", Level::Write, false), ("pages", "read", Level::Read, false));
    for (rule, says, case) in vec![
        ("F301", "blind", connector()),
        ("F301", "clear", Case::new()),
        ("F302", "blind", connector()),
        ("F303", "blind", connector()),
        ("F303", "clear", Case::new()),
        ("F401", "fires", Case::new().holds("password", Family::Secret, &[])),
        ("F401", "blind", Case::new().secret()),
        ("F401", "blind", Case::new().holds("something-new", Family::Secret, &[])),
        ("F401", "clear", Case::new()),
        ("F402", "blind", Case::new().holds("access-tokens", Family::Token, &[])),
        ("F402", "clear", Case::new().holds("session", Family::Token, &[])),
        ("F403", "fires", Case::new().life(61)),
        ("F403", "clear", Case::new().life(60)),
        ("F403", "clear", Case::new()),
        ("F403", "blind", Case::new().life(1).with(|case| case.reading.residual[0].lifetime_ms = None)),
        ("F501", "fires", scoped(&[pages]).did(91 * DAY, "LOGIN")),
        ("F501", "blind", scoped(&[pages]).did(1, "LOGIN")),
        ("F501", "clear", Case::new()),
        ("F502", "fires", scoped(&[("realm", "files.ReadWrite.All", Level::Write, false)])),
        ("F502", "fires", scoped(&[users])),
        ("F502", "fires", scoped(&[("x", "repo:*", Level::Read, false)])),
        ("F502", "clear", scoped(&[tickets])),
        ("F502", "blind", scoped(&[tickets]).gap(Some("role-assignment"))),
        ("F502", "clear", scoped(&[tickets]).gap(Some("events"))),
        ("F503", "fires", scoped(&[users, tickets]).in_production()),
        ("F503", "clear", scoped(&[users, tickets])),
        ("F503", "clear", scoped(&[users]).in_production()),
        ("F503", "blind", scoped(&[users, tickets]).with(|case| case.bot.environment = None)),
        ("F503", "fires", scoped(&[("vault", "read", Level::Read, false), mail])),
        ("F503", "blind", scoped(&[mail, pages])),
        ("F503", "clear", scoped(&[tickets, pages])),
        ("F504", "fires", scoped(&[users])),
        ("F504", "clear", scoped(&[tickets])),
        ("F504", "blind", scoped(&[tickets]).gap(None)),
        ("F601", "blind", connector()),
        ("F601", "clear", Case::new().secret()),
        ("F602", "blind", Case::new().holds("initial-access-token", Family::Secret, &[])),
        ("F602", "clear", Case::new().secret()),
    ] {
        assert_eq!(case.says(rule), says, "{rule}: {:?}", case.reading);
    }
}

#[test]
fn how_long_it_lives_and_how_far_it_reaches() {
    let on = |resource: &str| Case::new().holds("role", Family::Role, &[(resource, "read", Level::Read, false)]);
    let old = |minutes: i64| move |one: &mut Holding| one.issued_at = Some(ago(minutes));
    let from = |case: &mut Case, places: &[&str]| {
        for place in places {
            case.reading.activity.push(Activity { from: Some((*place).into()), ..event(10, "CLIENT_LOGIN") });
        }
    };
    for (rule, says, case) in vec![
        ("F701", "fires", Case::new().secret()),
        ("F701", "clear", Case::new().secret().last(|one| one.expires_at = Some(now()))),
        ("F701", "clear", Case::new()),
        ("F701", "blind", Case::new().holds("session", Family::Token, &[])),
        ("F702", "fires", Case::new().secret().last(old(91 * DAY))),
        ("F702", "clear", Case::new().secret().last(old(90 * DAY))),
        ("F702", "clear", Case::new().holds("signing-key", Family::Secret, &[]).last(old(364 * DAY))),
        ("F702", "fires", Case::new().holds("signing-key", Family::Secret, &[]).last(old(366 * DAY))),
        ("F702", "blind", Case::new().secret()),
        ("F703", "fires", Case::new().life(61)),
        ("F703", "clear", Case::new().holds("access-tokens", Family::Token, &[]).life(5)),
        ("F703", "blind", Case::new().holds("access-tokens", Family::Token, &[])),
        ("F703", "blind", Case::new().holds("offline-session", Family::Token, &[]).life(5)),
        ("F703", "fires", {
            let long = |one: &mut Holding| (one.issued_at, one.expires_at) = (Some(ago(31 * DAY)), Some(now()));
            Case::new().holds("offline-session", Family::Token, &[]).last(long)
        }),
        ("F801", "fires", on("build-prod")),
        ("F801", "clear", Case::new()),
        ("F801", "blind", on("product catalogue")),
        ("F801", "fires", Case::new().secret().opens("production")),
        ("F801", "clear", Case::new().secret().opens("staging")),
        ("F802", "clear", on("build").in_production()),
        ("F802", "blind", on("build-prod")),
        ("F802", "clear", Case::new()),
        ("F901", "fires", Case::new().secret().opens("staging")),
        ("F901", "clear", Case::new().secret().last(|one| one.fingerprint = Some(Fingerprint::of(b"x")))),
        ("F901", "blind", Case::new().secret()),
        ("F902", "fires", Case::new().with(|case| from(case, &["10.1.2.3", "10.1.9.3"]))),
        ("F902", "blind", Case::new().with(|case| from(case, &["10.1.2.3", "10.1.2.99"]))),
        ("F902", "clear", Case::new().did(2 * DAY, "CLIENT_LOGIN")),
        ("F902", "blind", Case::new()),
    ] {
        assert_eq!(case.says(rule), says, "{rule}: {:?}", case.reading);
    }
}

#[test]
fn what_it_does() {
    let steady = |until: i64| (0..9).fold(Case::new(), |case, turn| case.did(until + turn * 9, "LOGIN"));
    let month = |case: Case| (1..40).fold(case, |case, day| case.did(day * DAY + 60, "CLIENT_LOGIN"));
    let for_alice = |case: &mut Case| {
        case.reading.activity.push(Activity { on_behalf_of: Some("alice".into()), ..event(1, "LOGIN") });
    };
    let admin = ("realm", "manage-realm", Level::Admin, false);
    for (rule, says, case) in vec![
        ("F1001", "fires", Case::new().with(for_alice)),
        (
            "F1001",
            "blind",
            Case::new().with(for_alice).with(|case| {
                case.reading.identity.kind = IdentityKind::DelegatedIntegration;
            }),
        ),
        ("F1001", "blind", Case::new().did(1, "CLIENT_LOGIN")),
        ("F1002", "clear", Case::new().secret()),
        ("F1002", "blind", {
            let case = Case::new().holds("user-session", Family::Token, &[]);
            case.last(|one| one.on_behalf_of = Some("alice".into()))
        }),
        ("F1101", "fires", Case::new()),
        ("F1101", "fires", Case::new().did(1, "LOGIN").gap(Some("events"))),
        ("F1101", "clear", Case::new().did(9, "LOGIN")),
        ("F1101", "fires", steady(11)),
        ("F1101", "clear", steady(11).isolated(Some(5))),
        ("F1101", "blind", Case::new().did(11, "LOGIN")),
        ("F1101", "blind", Case::new().with(|case| case.is_read = false)),
        ("F1102", "fires", month(Case::new().did(1, "IMPERSONATE"))),
        ("F1102", "fires", month((0..6).fold(Case::new(), |case, turn| case.did(turn, "CLIENT_LOGIN")))),
        ("F1102", "blind", month(Case::new().did(1, "CLIENT_LOGIN"))),
        ("F1102", "blind", Case::new().did(1, "IMPERSONATE")),
        ("F1103", "fires", (0..21).fold(Case::new(), |case, _| case.did(3, "COPY (active)"))),
        ("F1103", "blind", (0..20).fold(Case::new(), |case, _| case.did(3, "COPY (active)"))),
        ("F1103", "blind", (0..21).fold(Case::new(), |case, turn| case.did(turn, "COPY (active)"))),
        ("F1104", "fires", Case::new().did(1, "DELETE_LOG")),
        ("F1104", "clear", Case::new().did(1, "CLIENT_LOGIN")),
        ("F1104", "blind", Case::new().did(1, "CLIENT_LOGIN").holds("role", Family::Role, &[admin])),
        ("F1104", "blind", Case::new()),
    ] {
        assert_eq!(case.says(rule), says, "{rule}: {:?}", case.reading);
    }
}

#[test]
fn what_an_isolation_makes_a_matter() {
    let made = |minutes: i64| move |one: &mut Holding| one.issued_at = Some(ago(minutes));
    let in_state = |state| move |case: &mut Case| case.state = state;
    let hits = |count: usize| {
        move |case: &mut Case| {
            let other = |n| Collateral { bot: format!("other {n}"), why: String::new(), opens: None };
            case.collateral = (0..count).map(other).collect();
        }
    };
    let alive = |case: &mut Case| case.isolation.as_mut().unwrap().alive.push("a session".to_owned());
    for (rule, says, case) in vec![
        ("F1201", "fires", Case::new().secret().last(made(29)).isolated(Some(5))),
        ("F1201", "clear", Case::new().secret().last(made(31)).isolated(Some(5))),
        ("F1201", "clear", Case::new().secret().last(made(1))),
        ("F1201", "blind", Case::new().secret().isolated(Some(5))),
        ("F1202", "fires", Case::new().isolated(Some(5)).did(4, "CLIENT_LOGIN")),
        ("F1202", "fires", Case::new().isolated(Some(5)).with(alive)),
        ("F1202", "clear", Case::new().isolated(Some(5)).did(4, "LOGOUT").did(6, "CLIENT_LOGIN")),
        ("F1202", "clear", Case::new().isolated(None).did(4, "CLIENT_LOGIN")),
        ("F1202", "blind", Case::new().isolated(Some(5))),
        ("F1202", "clear", Case::new()),
        ("F1203", "fires", Case::new().with(in_state(BotState::DarkAt(now())))),
        ("F1203", "fires", Case::new().with(in_state(BotState::Partial))),
        ("F1203", "clear", Case::new().with(in_state(BotState::Dark))),
        ("F1203", "blind", Case::new().with(in_state(BotState::Unknown))),
        ("F1204", "fires", Case::new().with(|case| case.steps.push(step(true)))),
        ("F1204", "clear", Case::new().with(|case| case.steps.push(step(false)))),
        ("F1204", "fires", Case::new().secret().last(|one| one.state = HoldingState::Unlisted)),
        ("F1204", "blind", Case::new().gap(None)),
        ("F1205", "fires", Case::new().with(|case| case.is_own = true)),
        ("F1205", "blind", Case::new()),
        ("F1206", "fires", Case::new().with(hits(4))),
        ("F1206", "blind", Case::new().with(hits(3))),
        ("F1206", "clear", Case::new()),
    ] {
        assert_eq!(case.says(rule), says, "{rule}: {:?} {:?}", case.reading, case.isolation);
    }
}
