//! What the rules say, the worst first, with what to do; and which rules could not be evaluated.

use super::Page;
use crate::{
    domain::{Finding, RULES, Severity},
    engine::BotView,
    tui::{paint::piece, theme::Role},
};

/// Those that fired.
pub fn add(view: &BotView, page: &mut Page<'_>) {
    let findings = &view.findings;
    let blind = findings.unevaluated.len();
    let of = |severity| findings.fired.iter().filter(|finding| finding.severity == severity).count();
    let counts = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(|one| (one, of(one)));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let fired = counts.map(|(severity, count)| format!("{count} {}", severity.word())).collect::<Vec<_>>().join(", ");
    let fired = if fired.is_empty() { "none fired".to_owned() } else { fired };
    // None is no sign of safety while rules cannot be evaluated: the two figures stand together.
    page.heading("FINDINGS", &format!("{fired}; {blind} of {} rules cannot be evaluated", RULES.len()));
    for finding in findings.by_severity() {
        one(view, finding, page);
    }
    for suppressed in &findings.suppressed {
        let (rule, reason) = (suppressed.finding.rule, suppressed.reason.shown());
        let (id, word) = (rule.id(), suppressed.finding.severity.word());
        let said = format!("suppressed until {}: {id} {} ({word}): {reason}", suppressed.until, rule.title);
        page.hanging(3, 5, Role::Dim, &said);
    }
}

fn one(view: &BotView, finding: &Finding, page: &mut Page<'_>) {
    let look = page.look;
    let role = Role::from(finding.severity);
    let word = format!("{} {}", look.glyphs.severity(finding.severity), finding.severity.word());
    page.lines.push(vec![
        piece(role, format!("   {} ", look.cell(&word, 10))),
        piece(Role::Title, format!("{} {}", finding.rule.id(), finding.rule.title)),
    ]);
    let whose = finding.identity.as_ref().filter(|_| view.identities.len() + view.readings.len() > 2);
    let whose = whose.and_then(|id| view.readings.get(id)).map(|reading| &reading.identity);
    let whose = whose.map_or(String::new(), |one| format!("{} at {}: ", one.name.shown(), one.id.provider()));
    page.wrapped(5, Role::Text, &format!("{whose}{}", finding.why));
    page.hanging(5, 9, Role::Text, &format!("do: {}", finding.rule.advice));
    let dot = format!(" {} ", look.glyphs.dot());
    page.wrapped(5, Role::Dim, &finding.rule.controls(&dot));
}

/// Those that could not be evaluated, by what is missing.
pub fn add_unevaluated(view: &BotView, page: &mut Page<'_>) {
    let blind = &view.findings.unevaluated;
    if blind.is_empty() {
        return;
    }
    page.heading("CANNOT EVALUATE", &format!("{}: not to be taken for passed", blind.len()));
    let mut said: Vec<&str> = Vec::new();
    for why in blind.iter().map(|one| &*one.why) {
        if said.contains(&why) {
            continue;
        }
        said.push(why);
        let ids = blind.iter().filter(|one| one.why == why).map(|one| one.rule.id());
        page.hanging(3, 5, Role::Dim, &format!("{}: {why}", ids.collect::<Vec<_>>().join(" ")));
    }
}
