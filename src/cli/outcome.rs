//! The last line of an isolation: what came of it, from its end and its journal.

use super::{
    Context, Exit,
    documents::{Counts, JournalRow, OutcomeLine, RestoredLine, alive, reasons, residual},
    follow::Followed,
    output::{Output, Row},
    time::Moment,
};
use crate::{
    domain::{Exposure, IdentityId, OperationId, Outcome, Reason, Reversibility, Untrusted},
    engine::{Ended, Snapshot},
    journal::{Operation, Recorded, fold},
};

/// An isolation that has ended.
pub(super) struct Concluded {
    pub op: OperationId,
    pub followed: Followed,
    pub ended: Ended,
    pub exercise: Option<String>,
}

/// Prints the outcome: the document or the text on standard output, each missing piece on standard error.
pub(super) async fn tell(context: &Context, concluded: Concluded) -> Exit {
    let store = context.engine.store().clone();
    let incident = concluded.followed.incident;
    let read = move || (store.read(incident).ok(), store.path(incident), store.checkpoint(incident));
    let read = tokio::task::spawn_blocking(read).await;
    let (recorded, path, checkpoint) = read.unwrap_or((None, std::path::PathBuf::new(), None));
    let output = &context.output;
    let bot = &concluded.followed.bot;
    let (missing, alive) = match restored(&concluded, recorded.as_ref(), &path) {
        Some(mut line) => {
            line.journal.checkpoint = checkpoint.as_ref().map(Into::into);
            if output.json {
                output.document(&line);
            } else {
                print_restored(output, &line);
            }
            (line.reasons, line.alive)
        }
        None => {
            let mut line = line(&concluded, recorded.as_ref(), &path, &context.engine.snapshot());
            line.journal.checkpoint = checkpoint.as_ref().map(Into::into);
            if output.json {
                output.document(&line);
            } else {
                print(output, &line);
            }
            (line.reasons, line.alive)
        }
    };
    for what in alive {
        output.say(&format!("{bot}: STILL LIVE: {what}"));
    }
    for reason in missing {
        output.say(&format!("{bot}: {reason}"));
    }
    let outcome = Exit::from(&concluded.ended.outcome);
    match &concluded.ended.journal_trouble {
        Some(trouble) => {
            output.say(&format!("{bot}: trouble with the record: {trouble}"));
            outcome.and(Exit::Failed)
        }
        None => outcome,
    }
}

/// The line, from the end, from what was followed, and from the journal where it can be read.
fn line(concluded: &Concluded, recorded: Option<&Recorded>, path: &std::path::Path, fleet: &Snapshot) -> OutcomeLine {
    let Concluded { op, followed, ended, exercise } = concluded;
    let incident = recorded.map(|recorded| fold(followed.incident, &recorded.records));
    let operation = incident.as_ref().and_then(|incident| incident.operations.iter().find(|one| one.id == *op));
    let counts = match operation {
        Some(operation) => Counts::of(operation.steps.values().map(|record| &record.state), &ended.outcome),
        None => Counts::of(followed.states.values(), &ended.outcome),
    };
    let head = recorded.and_then(|recorded| recorded.records.last());
    OutcomeLine {
        schema: "estop.outcome/1",
        exercise: exercise.clone(),
        incident: followed.incident,
        op: *op,
        bot: followed.bot.raw().to_owned(),
        outcome: ended.outcome.word(),
        dark_at: dark_at(followed, ended),
        time_to_first_cut_ms: ended.time_to_first_cut_ms,
        time_to_verified_ms: ended.time_to_verified_ms,
        time_to_dark_ms: ended.time_to_dark_ms,
        counts,
        residual: residual(&ended.outcome),
        not_restorable: not_restorable(followed, operation),
        exposure: exposure(operation, fleet).iter().map(Into::into).collect(),
        journal: JournalRow {
            path: head.map(|_| path.display().to_string()),
            lines: recorded.map(|recorded| recorded.records.len()),
            head: head.map(|record| record.h.to_string()),
            checkpoint: None,
        },
        reasons: reasons(&ended.outcome).iter().map(Reason::sentence).collect(),
        alive: alive(&ended.outcome).iter().map(|one| format!("{} ({})", one.what, one.step)).collect(),
        journal_trouble: ended.journal_trouble.clone(),
    }
}

/// The line of a restore; `None`: it is an isolation.
fn restored(concluded: &Concluded, recorded: Option<&Recorded>, path: &std::path::Path) -> Option<RestoredLine> {
    let Concluded { op, followed, ended, exercise } = concluded;
    let recorded = recorded?;
    let incident = fold(followed.incident, &recorded.records);
    let operation = incident.operation(*op)?;
    let restores = operation.restores.as_ref()?;
    let plan = operation.restore_plan.as_ref();
    let (reasons, alive) = RestoredLine::sentences(&ended.outcome);
    Some(RestoredLine {
        schema: "estop.outcome/1",
        exercise: exercise.clone(),
        incident: followed.incident,
        op: *op,
        bot: followed.bot.raw().to_owned(),
        outcome: ended.outcome.word(),
        mode: restores.mode,
        undoes: restores.op,
        time_to_verified_ms: ended.time_to_verified_ms,
        counts: Counts::of(operation.steps.values().map(|record| &record.state), &ended.outcome),
        lost: plan.map(|plan| plan.lost()).unwrap_or_default(),
        reissue: plan.map(|plan| plan.reissue()).unwrap_or_default(),
        journal: JournalRow {
            path: recorded.records.last().map(|_| path.display().to_string()),
            lines: Some(recorded.records.len()),
            head: recorded.records.last().map(|record| record.h.to_string()),
            checkpoint: None,
        },
        reasons,
        alive,
        journal_trouble: ended.journal_trouble.clone(),
    })
}

fn print_restored(output: &Output, line: &RestoredLine) {
    let verified = line.time_to_verified_ms.map(|ms| format!("verified {ms} ms")).unwrap_or_default();
    let bot = Untrusted::new(line.bot.as_str()).shown();
    output.rows(&[Row::of(bot).state(line.outcome).with(line.mode.word()).with(verified)]);
    output.line(&format!("  {}", counts(&line.counts)));
    for lost in &line.lost {
        output.line(&format!("  did not come back: {}: {}", lost.what.shown(), lost.why));
    }
    for again in &line.reissue {
        output.line(&format!("  to be issued anew: {}: {}, by {}", again.what.shown(), again.place, again.by));
    }
    let lines = line.journal.lines.map(|lines| format!(", {lines} lines")).unwrap_or_default();
    let path = line.journal.path.as_deref().unwrap_or("in memory only");
    output.line(&format!("  journal {path}{lines}; incident {}", line.incident));
}

/// When the last residual ends; without any, when the last thing was proved.
fn dark_at(followed: &Followed, ended: &Ended) -> Option<Moment> {
    match &ended.outcome {
        Outcome::DarkAt { at, .. } => Some(Moment(*at)),
        Outcome::Dark => {
            let (start, after) = (followed.started_at?, i64::try_from(ended.time_to_dark_ms?).ok()?);
            start.checked_add(jiff::SignedDuration::from_millis(after)).ok().map(Moment)
        }
        Outcome::Partial { .. } | Outcome::Contradicted { .. } | Outcome::Restored { .. } => None,
    }
}

fn not_restorable(followed: &Followed, operation: Option<&Operation>) -> usize {
    match operation {
        Some(operation) => {
            let lost = operation
                .steps
                .values()
                .filter(|record| record.state.is_cut() && record.step.reversible == Reversibility::Irreversible);
            lost.count()
        }
        None => {
            let cut = followed.states.iter().filter(|(_, state)| state.is_cut());
            cut.filter_map(|(id, _)| followed.steps.get(id))
                .filter(|step| step.reversible == Reversibility::Irreversible)
                .count()
        }
    }
}

/// As it was read before the strike.
fn exposure(operation: Option<&Operation>, fleet: &Snapshot) -> Vec<Exposure> {
    let Some(operation) = operation else { return Vec::new() };
    let own = |id: &IdentityId| {
        operation.identities.iter().any(|identity| identity.id == *id)
            || operation.snapshot.iter().any(|reading| reading.identity.id == *id)
    };
    let all = operation.snapshot.iter().flat_map(|reading| &reading.exposure);
    let mut exposure: Vec<Exposure> = all.filter(|one| !own(&one.identity)).cloned().collect();
    exposure.sort();
    exposure.dedup_by(|a, b| a.identity == b.identity);
    for one in &mut exposure {
        // The record has what the provider told, which knows no bots.
        one.bot = fleet.bot_of(&one.identity).map(|view| Untrusted::new(view.bot.name.raw()));
    }
    exposure
}

fn print(output: &Output, line: &OutcomeLine) {
    let figure = |what: &str, ms: Option<u64>| ms.map(|ms| format!("{what} {ms} ms"));
    let figures = [
        figure("first cut", line.time_to_first_cut_ms),
        figure("verified", line.time_to_verified_ms),
        figure("dark", line.time_to_dark_ms),
    ];
    let bot = Untrusted::new(line.bot.as_str()).shown();
    let until = line.dark_at.map(|at| at.to_string()).unwrap_or_default();
    output.rows(&[Row::of(bot)
        .state(line.outcome)
        .with(until)
        .with(figures.into_iter().flatten().collect::<Vec<_>>().join(", "))]);
    output.line(&format!("  {}", counts(&line.counts)));
    for residual in &line.residual {
        output.line(&format!("  {}", residual.sentence()));
    }
    for exposed in &line.exposure {
        output.line(&format!("  {}", exposed.sentence()));
    }
    if line.not_restorable > 0 {
        let steps = if line.not_restorable == 1 { "step" } else { "steps" };
        output.line(&format!("  {} {steps} cannot be undone", line.not_restorable));
    }
    let lines = line.journal.lines.map(|lines| format!(", {lines} lines")).unwrap_or_default();
    let path = line.journal.path.as_deref().unwrap_or("in memory only");
    output.line(&format!("  journal {path}{lines}; incident {}", line.incident));
    if let Some(checkpoint) = &line.journal.checkpoint {
        output.line(&format!("  checkpoint over {} lines: {}", checkpoint.size, checkpoint.words));
    }
}

fn counts(counts: &Counts) -> String {
    let named = [
        ("verified", counts.verified),
        ("gone", counts.gone),
        ("attested", counts.attested),
        ("manual", counts.manual),
        ("refused", counts.refused),
        ("unreachable", counts.unreachable),
        ("unknown", counts.unknown),
        ("unlisted", counts.unlisted),
        ("still live", counts.still_live),
    ];
    // The three that must always be told, and whatever else there is.
    let told =
        named.into_iter().filter(|(name, count)| *count > 0 || matches!(*name, "verified" | "unknown" | "still live"));
    told.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
