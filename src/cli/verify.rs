//! `estop journal verify`: the four answers, apart.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Exit, Stop,
    args::{Global, VerifyArgs},
    documents::CheckpointRow,
    output::Output,
};
use crate::{
    domain::IncidentId,
    journal::{Agreement, Audit, Checkpoint, Given, Store, Verification, audit, verifier_key_for},
};

/// Checks the file that is named, or every journal of this host.
pub(super) async fn run(output: &Output, global: &Global, store: &Store, args: &VerifyArgs) -> Result<Exit, Stop> {
    let store = store.clone();
    let (asked, exercise) = (args.clone(), global.exercise.clone());
    let checked = tokio::task::spawn_blocking(move || check(&store, &asked));
    let rows = checked.await.unwrap_or_else(|_| Err(Stop::failed("the check broke off")))?;
    let exit = rows.iter().map(|row| row.exit).fold(Exit::Done, Exit::and);
    let document = VerifyDocument { schema: "estop.journal-verify/1", exercise, files: rows };
    if output.json {
        output.document(&document);
    } else {
        for row in &document.files {
            print(output, row);
        }
    }
    Ok(exit)
}

fn check(store: &Store, args: &VerifyArgs) -> Result<Vec<VerifiedRow>, Stop> {
    let before = store.directory().map(Path::to_owned);
    if let Some(file) = &args.file {
        // This host's key says nothing of a journal that another host has signed.
        let own = || store.is_of_this_store(file).then(|| store.verifier_key(None).ok().flatten()).flatten();
        let key = args.key.clone().or_else(own);
        let given = Given { checkpoint: args.checkpoint.clone(), key, before };
        return Ok(vec![row(file, &given, None)]);
    }
    let mut rows = Vec::new();
    let incidents = store.incidents().map_err(|error| Stop::failed(error.to_string()))?;
    let (key, trouble) = match store.verifier_key(None) {
        Ok(key) => (key, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let given = Given { checkpoint: None, key, before };
    for incident in incidents {
        for file in files(store, incident) {
            rows.push(row(&file, &given, trouble.clone()));
        }
    }
    if rows.is_empty() {
        return Err(Stop::usage("there is no journal on this host: name a file"));
    }
    Ok(rows)
}

/// One that cannot be read is for the check to say.
fn files(store: &Store, incident: IncidentId) -> Vec<PathBuf> {
    store.read(incident).map_or_else(|_| vec![store.path(incident)], |read| read.paths)
}

#[derive(Serialize)]
struct VerifyDocument {
    schema: &'static str,
    exercise: Option<String>,
    files: Vec<VerifiedRow>,
}

#[derive(Serialize)]
struct VerifiedRow {
    path: String,
    /// The chain.
    result: &'static str,
    sentence: String,
    /// Lines that no checkpoint covers; `null`: the chain does not hold to its end.
    uncovered: Option<u64>,
    /// The newest checkpoint here.
    newest: AgreementRow,
    /// The one that was given; `null`: none was.
    given: Option<AgreementRow>,
    /// The note beside the file, to be kept elsewhere; `null`: there is none.
    checkpoint: Option<CheckpointRow>,
    /// The key that its signatures were checked with; `null`: they were not.
    key: Option<String>,
    /// Why there is no key, if that is an error.
    key_error: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Serialize)]
struct AgreementRow {
    result: &'static str,
    sentence: String,
    /// Lines that were signed and are gone; 0 where all are there.
    missing: u64,
}

impl From<&Agreement> for AgreementRow {
    fn from(agreement: &Agreement) -> Self {
        let missing = match agreement {
            Agreement::Missing { missing, .. } => *missing,
            _ => 0,
        };
        Self { result: agreement.word(), sentence: agreement.sentence(), missing }
    }
}

fn row(file: &Path, given: &Given, key_error: Option<String>) -> VerifiedRow {
    let audit = audit(file, given);
    let note = std::fs::read_to_string(file.with_extension("checkpoint")).ok();
    let checkpoint = note.as_deref().and_then(Checkpoint::parse);
    VerifiedRow {
        path: file.display().to_string(),
        result: word(&audit.chain),
        sentence: audit.chain.sentence(),
        uncovered: match &audit.chain {
            Verification::Sound { uncovered, .. } => Some(*uncovered),
            _ => None,
        },
        newest: (&audit.newest).into(),
        given: audit.given.as_ref().map(Into::into),
        checkpoint: checkpoint.as_ref().map(Into::into),
        // Under the name that this journal's notes are signed with, as other tools want it.
        key: given.key.as_deref().map(|key| {
            let named = audit.origin.as_deref().and_then(|origin| verifier_key_for(key, origin));
            named.unwrap_or_else(|| key.to_owned())
        }),
        key_error,
        exit: exit(&audit),
    }
}

fn exit(audit: &Audit) -> Exit {
    match audit.exit_code() {
        0 => Exit::Done,
        1 => Exit::Failed,
        3 => Exit::Partial,
        _ => Exit::Contradicted,
    }
}

fn word(chain: &Verification) -> &'static str {
    match chain {
        Verification::Sound { .. } => "sound",
        Verification::Unreadable { .. } => "unreadable",
        Verification::Torn { .. } => "torn",
        Verification::Damaged { .. } => "damaged",
    }
}

/// What is well on standard output, what is not on standard error.
fn print(output: &Output, row: &VerifiedRow) {
    let tell = |well: bool, line: &str| if well { output.line(line) } else { output.say(line) };
    tell(row.result == "sound", &format!("{}: {}", row.path, row.sentence));
    let well = |agreement: &AgreementRow| matches!(agreement.result, "agrees" | "absent");
    if row.result != "unreadable" {
        tell(well(&row.newest), &format!("  newest checkpoint here: {}", row.newest.sentence));
    }
    if let Some(given) = &row.given {
        tell(well(given), &format!("  checkpoint that was given: {}", given.sentence));
    }
    if let Some(checkpoint) = &row.checkpoint {
        output.line(&format!("  over {} lines, read aloud: {}", checkpoint.size, checkpoint.words));
    }
    if let Some(key) = &row.key {
        output.line(&format!("  signer's key: {key}"));
    }
    if let Some(error) = &row.key_error {
        output.say(error);
    }
}
