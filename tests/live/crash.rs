//! `kill -9` in mid-strike: the journal knows what was begun, and `resume` finishes it under the same keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::estop::Estop;
use crate::lab::stolen::Belongs;
use crate::scene::{Scene, assert_dead, entry, list};

/// Runs a command until the moment, told by what was printed and what is on record, and kills it then.
async fn killed_when(estop: &Estop, arguments: &[&str], is_time: impl Fn(&[Value], &[Value]) -> bool) -> Result<()> {
    let mut child = estop.start(&[&["--json"], arguments].concat())?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut lines: Vec<Value> = Vec::new();
    let watch = async {
        while let Some(line) = output.next_line().await? {
            estop.heard(&line);
            lines.push(serde_json::from_str(&line)?);
            if is_time(&lines, &on_record(estop)?) {
                return Ok(());
            }
        }
        anyhow::bail!("it ended before it could be killed: {lines:?}")
    };
    tokio::time::timeout(Duration::from_mins(1), watch).await.context("the moment did not come")??;
    child.kill().await?;
    anyhow::ensure!(lines.iter().all(|line| line["schema"] == "estop.step/1"), "it ended before it was killed");
    Ok(())
}

/// Lines of the journals that are whole; the last one may be on its way.
fn on_record(estop: &Estop) -> Result<Vec<Value>> {
    let mut records = Vec::new();
    for path in estop.journals()? {
        records.extend(std::fs::read_to_string(&path)?.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    Ok(records)
}

/// A step went on the wire.
fn first_sent(lines: &[Value], _: &[Value]) -> bool {
    lines.iter().any(|line| line["state"] == "sent")
}

/// Some of this process's attempts are on record.
fn attempts_recorded(before: usize) -> impl Fn(&[Value], &[Value]) -> bool {
    move |lines, records| first_sent(lines, records) && attempts_by_process(records).len() > before
}

/// The keys under which each step was intended and attempted.
fn keys(records: &[Value]) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |step: &Value, key: &Value| -> Result<()> {
        let (step, key) = (step.as_str().context("no step")?, key.as_str().context("no key")?);
        keys.entry(step.to_owned()).or_default().insert(key.to_owned());
        Ok(())
    };
    for record in records {
        let body = &record["body"];
        match record["kind"].as_str() {
            Some("plan.intent") if body["part"].is_null() => {
                for step in list(body, "steps")? {
                    add(&step["id"], &step["key"])?;
                }
            }
            Some("step.attempt") => add(&body["step"], &body["key"])?,
            _ => {}
        }
    }
    Ok(keys)
}

/// Who wrote each attempt: the process's id.
fn attempts_by_process(records: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records.iter().filter(|record| record["kind"] == "step.attempt") {
        let process = record["proc"]["id"].as_str().or(record["proc"].as_str()).unwrap_or_default();
        *counts.entry(process.to_owned()).or_default() += 1;
    }
    counts
}

async fn unfinished(scene: &Scene) -> Result<bool> {
    let status = scene.estop.run(&["status"]).await?.expect(0);
    let incidents = list(status.document(), "incidents")?;
    anyhow::ensure!(incidents.len() == 1, "{status}");
    let operation = entry(list(&incidents[0], "operations")?, "bot", &scene.name)?;
    Ok(operation["unfinished"] == true && operation["outcome"].is_null())
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn what_was_killed_at_the_first_step_is_finished_by_resume() -> Result<()> {
    let scene = Scene::robbed("bot-helpdesk").await?;
    killed_when(&scene.estop, &["isolate", &scene.name, "--yes"], first_sent).await?;
    anyhow::ensure!(unfinished(&scene).await?, "status does not tell");

    let resumed = scene.estop.run(&["resume"]).await?.expect(0);
    anyhow::ensure!(["dark", "dark-at"].iter().any(|word| resumed.outcome()["outcome"] == *word), "{resumed}");
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    anyhow::ensure!(!unfinished(&scene).await?, "it is finished");

    let records = scene.estop.records()?;
    let keys = keys(&records)?;
    anyhow::ensure!(keys.len() >= 5, "{keys:?}");
    for (step, keys) in &keys {
        anyhow::ensure!(keys.len() == 1, "{step} went out under several keys: {keys:?}");
    }
    let operations: BTreeSet<&str> = records.iter().filter_map(|record| record["op"].as_str()).collect();
    anyhow::ensure!(operations.len() == 1, "it is the same operation: {operations:?}");
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()?;
    scene.estop.run(&["resume"]).await?.expect(0);
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_minting_bot_whose_isolation_is_killed_twice_still_ends_with_nothing() -> Result<()> {
    let scene = Scene::robbed("bot-engineering-staging").await?;
    killed_when(&scene.estop, &["isolate", &scene.name, "--yes"], attempts_recorded(0)).await?;
    anyhow::ensure!(unfinished(&scene).await?, "status does not tell");
    killed_when(&scene.estop, &["resume"], attempts_recorded(1)).await?;
    anyhow::ensure!(unfinished(&scene).await?, "status does not tell after the second kill");

    // The key that it shares keeps it from being dark, but nothing is left to do.
    let resumed = scene.estop.run(&["resume"]).await?.expect(3);
    resumed.says(&["opens bot-engineering-prod too"]);
    assert_dead(scene.owned()).await?;
    anyhow::ensure!(scene.owned().any(|stolen| stolen.belongs == Belongs::Child));
    scene.assert_others_live().await?;
    let records = scene.estop.records()?;
    anyhow::ensure!(attempts_by_process(&records).len() >= 2, "{:?}", attempts_by_process(&records));
    for (step, keys) in keys(&records)? {
        anyhow::ensure!(keys.len() == 1, "{step} went out under several keys: {keys:?}");
    }
    scene.assert_journal_is_sound().await?;
    scene.assert_no_secret_was_written()?;
    scene.clear().await
}
