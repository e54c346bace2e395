mod cases;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Action, Activity, Bot, BotName, BotState, Collateral, Depth, Family, Fingerprint, Gap, Holding, HoldingId,
    HoldingState, Identity, IdentityKind, IdentityState, Lane, ObjectId, Plan, Postcondition, ProviderName, Reading,
    ReadingSet, Residual, Scope, Step, StepId,
};

fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

const DAY: i64 = 24 * 60;

fn id(native: &str) -> IdentityId {
    IdentityId::new(ProviderName::new("sso"), native)
}

/// One bot of one identity, which a case changes before it asks.
#[derive(Debug, Clone)]
struct Case {
    bot: Bot,
    state: BotState,
    reading: Reading,
    is_read: bool,
    steps: Vec<Step>,
    collateral: Vec<Collateral>,
    shared: Vec<Shared>,
    is_own: bool,
    isolation: Option<Isolation>,
    policy: Policy,
}

impl Case {
    /// A bot in test with an owner, of which a complete reading says that it holds nothing.
    fn new() -> Self {
        let identity = Identity::new(id("bot"), "bot", IdentityKind::ServiceAccount, IdentityState::Live);
        let bot = Bot {
            name: BotName::new("bot"),
            owner: Some("team".into()),
            contact: None,
            environment: Some("staging".into()),
            protected: false,
            configured: true,
            identities: vec![identity.id.clone()],
        };
        Self {
            bot,
            state: BotState::Live,
            reading: Reading::of(identity, ago(0)),
            is_read: true,
            steps: Vec::new(),
            collateral: Vec::new(),
            shared: Vec::new(),
            is_own: false,
            isolation: None,
            policy: Policy::default(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A holding of a class, live, with scopes.
    fn holds(self, class: &str, family: Family, scopes: &[(&str, &str, Level, bool)]) -> Self {
        let scope = |(resource, verb, level, mint): &(&str, &str, Level, bool)| Scope {
            resource: (*resource).into(),
            verb: (*verb).into(),
            level: *level,
            mint: *mint,
            via: None,
        };
        let lane = if family == Family::Grant { Lane::Grants } else { Lane::Tokens };
        let native = self.reading.holdings.len().to_string();
        let mut holding =
            Holding::new(HoldingId::new(id("bot"), class, native), lane, family, class, HoldingState::Live);
        holding.scopes = scopes.iter().map(scope).collect();
        self.with(|case| case.reading.holdings.push(holding))
    }

    fn secret(self) -> Self {
        self.holds("client-secret", Family::Secret, &[])
    }

    fn last(mut self, change: impl FnOnce(&mut Holding)) -> Self {
        change(self.reading.holdings.last_mut().unwrap());
        self
    }

    fn did(self, minutes: i64, action: &str) -> Self {
        self.with(|case| case.reading.activity.push(event(minutes, action)))
    }

    fn gap(self, class: Option<&str>) -> Self {
        let gap = Gap { class: class.map(str::to_owned), what: "a page failed".to_owned(), permission: None };
        self.with(|case| case.reading.gaps.push(gap))
    }

    fn life(self, minutes: i64) -> Self {
        let residual = Residual {
            identity: id("bot"),
            what: "access tokens".to_owned(),
            until: None,
            lifetime_ms: Some(minutes * 60_000),
            source: "realm".to_owned(),
        };
        self.with(|case| case.reading.residual.push(residual))
    }

    fn in_production(self) -> Self {
        self.with(|case| case.bot.environment = Some("production".into()))
    }

    fn isolated(self, verified: Option<i64>) -> Self {
        let isolation = Isolation { started_at: ago(30), verified_at: verified.map(ago), alive: Vec::new() };
        self.with(|case| {
            case.isolation = Some(isolation);
            case.state = BotState::Dark;
        })
    }

    fn opens(self, environment: &str) -> Self {
        let shared = Shared {
            holding: HoldingId::new(id("bot"), "client-secret", "0"),
            fingerprint: Fingerprint::of(b"not a secret"),
            identity: id("twin"),
            name: None,
            bot: Some(BotName::new("twin")),
            environment: Some(environment.into()),
        };
        self.with(|case| case.shared.push(shared))
    }

    fn findings(&self) -> Findings {
        let readings: ReadingSet = self.is_read.then(|| self.reading.clone()).into_iter().collect();
        let name = self.bot.name.clone();
        let plan = Plan::new(name, Depth::Isolate, self.steps.clone(), &readings, self.collateral.clone());
        Findings::of(&Evidence {
            bot: &self.bot,
            state: self.state,
            identities: std::slice::from_ref(&self.reading.identity),
            readings: &readings,
            plan: &plan,
            shared: &self.shared,
            is_own: self.is_own,
            isolation: self.isolation.as_ref(),
            policy: &self.policy,
            now: now(),
        })
    }

    /// What one rule says: `fires`, `clear`, `blind`.
    fn says(&self, rule: &str) -> &'static str {
        let findings = self.findings();
        assert!(RULES.iter().any(|one| one.id() == rule), "{rule}");
        if findings.fired.iter().any(|finding| finding.rule.id() == rule) {
            "fires"
        } else if findings.unevaluated.iter().any(|one| one.rule.id() == rule) {
            "blind"
        } else {
            "clear"
        }
    }
}

fn event(minutes: i64, action: &str) -> Activity {
    Activity {
        at: ago(minutes),
        action: action.into(),
        resource: None,
        on_behalf_of: None,
        session: None,
        from: None,
        outcome: "success".into(),
    }
}

fn step(by_hand: bool) -> Step {
    Step {
        by_hand,
        ..Step::new(
            StepId::of(&id("bot"), "disable", None),
            id("bot"),
            Action::new("disable"),
            ObjectId::of(&ProviderName::new("sso"), "client", "bot"),
            Postcondition::Unreadable { why: String::new() },
        )
    }
}

#[test]
fn what_writes_in_production_is_one_level_worse() {
    let writes = Case::new().secret().holds("role", Family::Role, &[("x", "write", Level::Write, false)]);
    let severity = |case: &Case, rule: &str| {
        let findings = case.findings();
        findings.fired.iter().find(|finding| finding.rule.id() == rule).map(|finding| finding.severity)
    };
    assert_eq!(severity(&writes, "F701"), Some(Severity::High));
    assert_eq!(severity(&writes.clone().in_production(), "F701"), Some(Severity::Critical));
    assert_eq!(severity(&Case::new().secret().in_production(), "F701"), Some(Severity::High));
}

/// A decision covers one rule of one bot for a time, and nothing that an isolation has left.
#[test]
fn what_a_house_lives_with_is_told_and_not_counted() {
    let decided = |rule: &str, bot: &str, until: Timestamp| Suppression {
        rule: Rule::of(rule).unwrap(),
        bot: BotName::new(bot),
        until,
        reason: "the vendor has no other".into(),
    };
    let later = now().checked_add(SignedDuration::from_mins(1)).unwrap();
    let case = Case::new().secret().with(|case| case.state = BotState::Partial);
    let before = case.findings();
    let ids = |fired: &[Finding]| fired.iter().map(|one| one.rule.id()).collect::<Vec<_>>();
    assert!(ids(&before.fired).contains(&"F701".to_owned()) && ids(&before.fired).contains(&"F1203".to_owned()));
    for (decision, covers) in [
        (decided("F701", "bot", later), true),
        (decided("F701", "bot", now()), false),
        (decided("F701", "other", later), false),
        (decided("F102", "bot", later), false),
        (decided("F1203", "bot", later), false),
    ] {
        let findings = case.clone().with(|case| case.policy.suppress = vec![decision.clone()]).findings();
        let covered: Vec<String> = findings.suppressed.iter().map(|one| one.finding.rule.id()).collect();
        assert_eq!(covered, if covers { vec!["F701"] } else { vec![] }, "{decision:?}");
        assert_eq!(findings.fired.len() + findings.suppressed.len(), before.fired.len());
        assert_eq!(findings.unevaluated, before.unevaluated);
        assert!(findings.suppressed.iter().all(|one| one.until == later && one.reason.raw().contains("vendor")));
    }
    assert!(RULES.iter().all(|rule| rule.can_be_suppressed() != rule.id().starts_with("F12")));
}

#[test]
fn what_nobody_has_read_is_never_passed() {
    let unread = Case::new().with(|case| {
        case.is_read = false;
        case.state = BotState::Unknown;
    });
    let findings = unread.findings();
    assert!(findings.is_empty());
    // An isolation is on record or not, whatever was read; and nobody can be in the dark about production.
    let clear = ["F1201", "F1202"];
    for rule in RULES.iter().filter(|rule| !clear.contains(&rule.id().as_str())) {
        assert_eq!(unread.says(&rule.id()), "blind", "{rule:?}");
    }
    assert_eq!(Findings::unread().unevaluated.len(), RULES.len());
    assert_eq!(Findings::unread().checked(), 0);
}

/// Subcategories and tenets that the shared control page lists, as far as rules cite them.
const CSF: &str = "ID.AM-02 ID.AM-04 ID.AM-08 PR.AA-01 PR.AA-02 PR.AA-03 PR.AA-04 PR.AA-05 PR.DS-01 PR.PS-04 PR.IR-01 \
    DE.CM-03 DE.CM-06 DE.CM-09 DE.AE-02 DE.AE-03 DE.AE-04 DE.AE-07 GV.SC-08 RS.MA-01 RS.MA-02 RS.AN-03 RS.AN-07 \
    RS.AN-08 RS.MI-01 RS.MI-02";

#[test]
fn every_rule_is_there_once_with_advice_and_controls_that_exist() {
    let ids: BTreeSet<u16> = RULES.iter().map(|rule| rule.number).collect();
    assert_eq!((ids.len(), RULES.len()), (39, 39));
    assert!(RULES.is_sorted_by_key(|rule| rule.number));
    for rule in RULES {
        assert!(!rule.title.is_empty() && rule.advice.ends_with('.'), "{rule:?}");
        assert!(!rule.csf.is_empty() && !rule.zt.is_empty(), "{rule:?}");
        for csf in rule.csf {
            assert!(CSF.split_whitespace().any(|known| known == *csf), "{rule:?} {csf}");
        }
        for owasp in rule.owasp {
            let number = owasp.strip_prefix("NHI").and_then(|rest| rest.strip_suffix(":2025")).unwrap();
            assert!((1..=10).contains(&number.parse::<u8>().unwrap()), "{rule:?} {owasp}");
        }
        for tenet in rule.zt {
            assert!((1..=7).contains(&tenet.strip_prefix("ZT-").unwrap().parse::<u8>().unwrap()), "{rule:?} {tenet}");
        }
    }
    let minted = RULES.iter().find(|rule| rule.id() == "F504").unwrap();
    assert_eq!(minted.controls(" "), "NHI5 PR.AA-05 RS.MI-01 ZT6");
}

fn any_case() -> impl Strategy<Value = Case> {
    let class = prop_oneof![
        Just("client-secret"),
        Just("password"),
        Just("access-tokens"),
        Just("offline-session"),
        Just("other")
    ];
    let family = prop_oneof![Just(Family::Secret), Just(Family::Token), Just(Family::Role), Just(Family::Grant)];
    let level = prop_oneof![Just(Level::Read), Just(Level::Write), Just(Level::Export), Just(Level::Admin)];
    let words = prop_oneof![Just("manage-users"), Just("send"), Just("secret"), Just("prod"), Just("tickets")];
    let holding = (class, family, words, level, any::<bool>(), prop::option::of(0i64..400 * DAY));
    let events = prop::collection::vec((0i64..100 * DAY, prop_oneof![Just("LOGIN"), Just("delete log")]), 0..12);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::option::of(0i64..40));
    (prop::collection::vec(holding, 0..6), events, flags).prop_map(|(holdings, events, flags)| {
        let mut case = Case::new();
        for (class, family, word, level, mint, made) in holdings {
            case = case.holds(class, family, &[(word, word, level, mint)]);
            case = case.last(|one| one.issued_at = made.map(ago));
        }
        let mut events = events;
        events.sort_unstable();
        for (minutes, action) in events {
            case = case.did(minutes, action);
        }
        let (read, production, gap, isolated) = flags;
        case.is_read = read;
        case = if production { case.in_production() } else { case };
        case = if gap { case.gap(None) } else { case };
        if isolated.is_some() { case.isolated(isolated) } else { case }
    })
}

proptest! {
    /// Whatever was read, in whatever order: the same findings in the same order, and every rule accounted for.
    #[test]
    fn the_same_input_gives_the_same_findings_in_the_same_order(case in any_case()) {
        let findings = case.findings();
        prop_assert_eq!(&findings, &case.findings());
        let turned = case.clone().with(|case| case.reading.holdings.reverse());
        let key = |findings: &Findings| {
            let fired = findings.fired.iter().map(|one| (one.rule.id(), one.severity, one.identity.clone()));
            (fired.collect::<Vec<_>>(), findings.unevaluated.iter().map(|one| one.rule.id()).collect::<Vec<_>>())
        };
        prop_assert_eq!(key(&findings), key(&turned.findings()));
        let order = |one: &Finding| (one.rule.number, std::cmp::Reverse(one.severity), one.identity.clone());
        prop_assert!(findings.fired.is_sorted_by_key(order));
        let fired: BTreeSet<String> = findings.fired.iter().map(|one| one.rule.id()).collect();
        let blind: BTreeSet<String> = findings.unevaluated.iter().map(|one| one.rule.id()).collect();
        prop_assert!(fired.is_disjoint(&blind));
        prop_assert_eq!(findings.checked() + blind.len(), RULES.len());
        prop_assert!(findings.fired.iter().all(|one| !one.why.is_empty() && !one.why.contains(char::is_control)));
    }

    /// What could not be listed never turns a rule that cannot tell into one that passed.
    #[test]
    fn a_gap_clears_nothing(case in any_case()) {
        let before: BTreeSet<String> = case.findings().unevaluated.iter().map(|one| one.rule.id()).collect();
        let after = case.clone().gap(None).findings();
        let counted: BTreeSet<String> =
            after.fired.iter().map(|one| one.rule.id()).chain(after.unevaluated.iter().map(|one| one.rule.id())).collect();
        prop_assert!(before.is_subset(&counted));
    }
}
