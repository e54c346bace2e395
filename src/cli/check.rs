//! `estop check`.

use super::{
    Context, Exit, Stop,
    documents::{CheckDocument, LaneRow, SinkRow},
    list::unreachable,
    output::{Output, Row},
    time::Moment,
};

/// Asks every provider what estop may read and cut there, and tries the place of the record. 3 where anything is
/// missing.
pub(super) async fn run(context: &Context) -> Result<Exit, Stop> {
    let checked = context.engine.check().await;
    let exercise = context.engine.snapshot().exercise.clone();
    let (sinks, key) = sinks(context).await;
    let mut document = CheckDocument::of(exercise, &checked, sinks, context.notices());
    document.verifier_key = key.unwrap_or_else(|error| {
        document.notices.push(error);
        None
    });
    if context.output.json {
        context.output.document(&document);
    } else {
        print(&context.output, &document, context);
    }
    tell(&context.output, &document);
    Ok(Exit::of_reading(document.is_able()))
}

/// Whether a record would be durable in each place, and the public half of the key that signs.
async fn sinks(context: &Context) -> (Vec<SinkRow>, Result<Option<String>, String>) {
    let store = context.engine.store().clone();
    let tried = tokio::task::spawn_blocking(move || (store.sinks(), store.verifier_key(None))).await;
    let Ok((tried, key)) = tried else { return (Vec::new(), Ok(None)) };
    let roles = ["primary", "fallback"].into_iter();
    let rows = roles.zip(&tried).map(|(role, health)| SinkRow::of(role, health)).collect();
    (rows, key.map_err(|error| error.to_string()))
}

fn print(output: &Output, document: &CheckDocument, context: &Context) {
    if context.verbose {
        output.say(&format!("the state directory is {}", context.state_dir.display()));
    }
    for provider in &document.providers {
        let who = provider.whoami.as_ref().map_or_else(|| "-".to_owned(), crate::domain::Untrusted::shown);
        let state = if provider.reachable { "reachable" } else { "unreachable" };
        output.rows(&[Row::of(provider.name.as_str()).with(provider.kind).state(state).with(format!("as {who}"))]);
        let word = |able: bool| if able { "yes" } else { "NO" };
        let row = |lane: &LaneRow| {
            Row::of(format!("  {}", lane.lane))
                .with(format!("read {}", word(lane.can_read)))
                .with(format!("cut {}", word(lane.can_cut)))
                .with(lane.missing.join(", "))
        };
        output.rows(&provider.lanes.iter().map(row).collect::<Vec<_>>());
        if let Some(ahead) = provider.clock_ahead_ms {
            output.line(&format!("  its clock is {ahead} ms ahead of this host's"));
        }
        for notice in &provider.notices {
            output.line(&format!("  {notice}"));
        }
    }
    if document.providers.is_empty() {
        output.line("no provider is configured");
    }
    for sink in &document.sinks {
        let state = if sink.durable { "durable" } else { "NOT DURABLE" };
        let free = sink.free_bytes.map(|free| format!("{} MiB free", free >> 20)).unwrap_or_default();
        output.rows(&[Row::of(format!("journal, {}", sink.role))
            .with(sink.path.as_str())
            .with(state)
            .with(sink.file_system.as_deref().unwrap_or_default())
            .with(free)]);
    }
    if !document.sinks.iter().any(|sink| sink.role == "fallback") {
        output.line("journal, fallback: none; with fallback_dir on another file system a full disk stops nothing");
    }
    if let Some(key) = &document.verifier_key {
        output.line(&format!("checkpoints are signed by {key}"));
    }
    output.rows(&[Row::of("clock").with(Moment(context.engine.clock().now()).to_string())]);
}

/// What is missing, on standard error.
fn tell(output: &Output, document: &CheckDocument) {
    for notice in &document.notices {
        output.say(notice);
    }
    if document.providers.is_empty() {
        output.say("no provider is configured, so that nothing can be cut: add a [[provider]] to the configuration");
    }
    for provider in &document.providers {
        if let Some(error) = &provider.error {
            output.say(&unreachable(&provider.name, error));
        }
        for lane in provider.lanes.iter().filter(|lane| !lane.can_read || !lane.can_cut) {
            let verb = if lane.can_read { "cut" } else { "read" };
            let missing = lane.missing.join(", ");
            output.say(&format!("{}: cannot {verb} all of lane {}: missing {missing}", provider.name, lane.lane));
        }
    }
    for sink in &document.sinks {
        if let Some(error) = &sink.error {
            output.say(&format!("journal, {}: {error}", sink.role));
        }
        for notice in &sink.notices {
            output.say(&format!("journal, {}: {notice}", sink.role));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::output::tests::captured,
        domain::{Lane, ProviderName},
        engine::{Checked, LaneCheck, Preflight, ProviderError, Whoami},
    };

    #[test]
    fn what_is_missing_is_named_per_lane() {
        let lane = |lane, can_cut| LaneCheck {
            lane,
            can_read: true,
            can_cut,
            missing: if can_cut { Vec::new() } else { vec!["manage-users".into()] },
        };
        let checked = [
            Checked {
                name: ProviderName::new("corp-sso"),
                kind: "keycloak",
                result: Ok(Preflight {
                    whoami: Whoami { identity: None, name: "estop".into() },
                    lanes: vec![lane(Lane::Identity, true), lane(Lane::Grants, false)],
                    clock_ahead_ms: Some(12),
                    notices: Vec::new(),
                }),
            },
            Checked {
                name: ProviderName::new("docs-db"),
                kind: "postgres",
                result: Err(ProviderError::Auth("the variable X is not set: set it".into())),
            },
        ];
        let sink = SinkRow {
            role: "primary",
            path: "/state/journal".into(),
            durable: true,
            error: None,
            file_system: Some("ext4".into()),
            free_bytes: Some(1 << 20),
            notices: vec!["/state/journal has 1024 KiB left: free some before it is needed".into()],
        };
        let document = CheckDocument::of(None, &checked, vec![sink], Vec::new());
        assert!(!document.is_able());
        let (output, _, err) = captured(false, false, false);
        tell(&output, &document);
        insta::assert_snapshot!("sentences", err.text());
        insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
    }
}
