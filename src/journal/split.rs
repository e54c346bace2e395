//! Records that are too long for one line.
//!
//! A plan, a snapshot or a claim is split by its list, so that each line is a readable body of its kind with a run of
//! the list. What cannot be split so is cut as text: `{"part":1,"parts":2,"text":"…"}`, the pieces of its JSON.

use serde::Serialize;

use super::{Body, IntendedStep};
use crate::domain::PlanHash;

/// Bytes of a body's JSON in one line; with the other fields a line stays below [`super::MAX_LINE`].
pub(super) const MAX_BODY: usize = 56 * 1024;
/// Bytes of a list in one part: the rest of the body and an element that does not fit any more have room beside it.
const MAX_LIST: usize = 40 * 1024;
/// Bytes of JSON in a piece of text; as a string in JSON it doubles at most.
const MAX_TEXT: usize = MAX_BODY / 2 - 64;

/// One part of a plan: borrowed, for it is on the way from the key to the wire.
#[derive(Serialize)]
struct PlanPart<'a> {
    hash: &'a PlanHash,
    steps: &'a [IntendedStep],
    round: u32,
    part: usize,
    parts: usize,
}

/// A piece of a body's JSON.
#[derive(Serialize)]
struct TextPart<'a> {
    part: usize,
    parts: usize,
    text: &'a str,
}

/// The parts, as JSON, in which a long body goes into the journal. `whole` is its JSON.
pub(super) fn parts(body: &Body, whole: &[u8]) -> Vec<Vec<u8>> {
    let parts = by_list(body);
    if parts.is_empty() || parts.iter().any(|part| part.len() > MAX_BODY) { as_text(whole) } else { parts }
}

/// A body's JSON. Bodies are plain data with text keys: nothing in them can fail to be written.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data with text keys is always JSON")
}

/// The same body several times, each with a run of its list; empty where the kind has none to split by.
fn by_list(body: &Body) -> Vec<Vec<u8>> {
    match body {
        Body::PlanIntent { hash, steps, round } => {
            let runs = runs(steps);
            let parts = runs.len();
            let part = |(steps, part)| json(&PlanPart { hash, steps, round: *round, part, parts });
            runs.into_iter().zip(1..).map(part).collect()
        }
        Body::EvidenceSnapshot { bot, reading, complete } => numbered(&reading.holdings, |holdings| {
            let mut part = reading.clone();
            part.holdings = holdings.to_vec();
            Body::EvidenceSnapshot { bot: bot.clone(), reading: part, complete: *complete }
        }),
        Body::OpClaim { bot, depth, reason, identities, collateral, resumed, restores } => {
            numbered(identities, |identities| Body::OpClaim {
                bot: bot.clone(),
                depth: *depth,
                reason: reason.clone(),
                identities: identities.to_vec(),
                collateral: collateral.clone(),
                resumed: *resumed,
                restores: restores.clone(),
            })
        }
        _ => Vec::new(),
    }
}

/// The runs of a list, each in a body of its own with its number at the end.
fn numbered<T: Serialize>(list: &[T], body: impl Fn(&[T]) -> Body) -> Vec<Vec<u8>> {
    let runs = runs(list);
    let parts = runs.len();
    let part = |(run, part): (&[T], usize)| {
        let body = body(run);
        let mut json = inner(&json(&body), body.kind()).to_vec();
        json.pop();
        json.extend_from_slice(format!(",\"part\":{part},\"parts\":{parts}}}").as_bytes());
        json
    };
    runs.into_iter().zip(1..).map(part).collect()
}

/// A list in runs of at most [`MAX_LIST`] bytes, one element at least.
fn runs<T: Serialize>(list: &[T]) -> Vec<&[T]> {
    let mut runs = Vec::new();
    let (mut from, mut size) = (0, 0);
    for (index, element) in list.iter().enumerate() {
        let length = json(element).len() + 1;
        if size + length > MAX_LIST && index > from {
            runs.push(&list[from..index]);
            (from, size) = (index, 0);
        }
        size += length;
    }
    if from < list.len() {
        runs.push(&list[from..]);
    }
    runs
}

fn as_text(whole: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = std::str::from_utf8(whole).expect("JSON is UTF-8");
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        pieces.push(piece);
        rest = more;
    }
    let parts = pieces.len();
    pieces.into_iter().zip(1..).map(|(text, part)| json(&TextPart { part, parts, text })).collect()
}

/// The body inside `{"kind":"…","body":…}`.
pub(super) fn inner<'a>(tagged: &'a [u8], kind: &str) -> &'a [u8] {
    let from = "{\"kind\":\"\",\"body\":".len() + kind.len();
    &tagged[from..tagged.len() - 1]
}

impl Body {
    /// Takes in the list of a later part. `false`: it is not a part of the same record.
    pub(super) fn join(&mut self, more: Self) -> bool {
        match (self, more) {
            (Self::PlanIntent { hash, steps, .. }, Self::PlanIntent { hash: same, steps: more, .. })
                if *hash == same =>
            {
                steps.extend(more);
            }
            (Self::EvidenceSnapshot { reading, .. }, Self::EvidenceSnapshot { reading: more, .. })
                if reading.identity.id == more.identity.id =>
            {
                reading.holdings.extend(more.holdings);
            }
            (Self::OpClaim { identities, .. }, Self::OpClaim { identities: more, .. }) => identities.extend(more),
            _ => return false,
        }
        true
    }
}
