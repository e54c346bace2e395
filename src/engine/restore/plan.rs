//! What restoring one bot would take now: a live read of each identity, compared by its provider with the snapshot.

use super::Undo;
use crate::domain::{BotName, Reading, ReadingSet, Restoration, RestoreMode, RestorePlan, StepRecord};
use crate::engine::{Refusal, fleet::Fleet};

/// Reads every identity and asks its provider.
///
/// # Errors
/// [`Refusal::Unread`]: one of them cannot be read now, so that nothing can be compared.
pub(in crate::engine) async fn planned(
    fleet: &Fleet,
    bot: &BotName,
    mode: RestoreMode,
    undo: &Undo,
    needs_approval: bool,
) -> Result<(RestorePlan, ReadingSet), Refusal> {
    let reads = undo.before.iter().map(|before| fleet.read_one(&before.identity));
    let mut now = ReadingSet::default();
    let mut identities = Vec::new();
    for (before, read) in undo.before.iter().zip(futures::future::join_all(reads).await) {
        let unread = |what: String| Refusal::Unread { bot: bot.clone(), what };
        let reading = read.map_err(|error| unread(error.to_string()))?;
        let restoration = compare(fleet, before, &reading, &undo.done, mode);
        let restoration = restoration.ok_or_else(|| unread(format!("{}: no such provider", before.identity.id)))?;
        identities.push((before.identity.id.clone(), restoration));
        now.insert(reading);
    }
    identities.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok((RestorePlan::new(bot.clone(), undo.op, mode, identities, needs_approval), now))
}

/// One identity, by its provider; `None`: nobody has that provider.
fn compare(
    fleet: &Fleet,
    before: &Reading,
    now: &Reading,
    done: &[StepRecord],
    mode: RestoreMode,
) -> Option<Restoration> {
    let id = &before.identity.id;
    let provider = fleet.provider(id.provider())?;
    let done: Vec<StepRecord> = done.iter().filter(|record| record.step.identity == *id).cloned().collect();
    let mut restoration = provider.restore(before, now, &done, mode);
    // Where there was no snapshot, that is the gap; what a provider says of it comes on top.
    let missing = before.gaps.iter().filter(|gap| before.facts.is_empty() && gap.class.is_none());
    for gap in
        missing.filter(|gap| before.holdings.is_empty() && !restoration.gaps.contains(gap)).cloned().collect::<Vec<_>>()
    {
        restoration.gaps.push(gap);
    }
    Some(restoration)
}
