//! A journal that is torn or altered: it is told, never repaired, and never in the way of the next isolation.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::refused;
use crate::scene::{Scene, assert_dead, list};

/// An isolation of a bot, and its journal.
async fn recorded(bot: &str) -> Result<(Scene, PathBuf)> {
    let scene = Scene::robbed(bot).await?;
    scene.isolate(&[]).await?.expect(0);
    let journals = scene.estop.journals()?;
    anyhow::ensure!(journals.len() == 1, "{journals:?}");
    Ok((scene, journals[0].clone()))
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn a_torn_tail_is_told_and_the_next_writer_goes_on() -> Result<()> {
    let (scene, path) = recorded("bot-compliance").await?;
    let whole = std::fs::read(&path)?;
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').context("one line only")?;
    // The beginning of one more line, which no checkpoint covers yet.
    std::fs::write(&path, [&whole[..], &whole[last + 1..last + 41]].concat())?;

    let file = path.display().to_string();
    refused(scene.estop.plain(&["journal", "verify"]).await?, 3, &[&file]);
    refused(scene.estop.plain(&["journal", "verify", &file]).await?, 3, &[&file]);
    let other = scene.estop.run(&["isolate", "bot-sales", "--yes"]).await?.expect(0);
    anyhow::ensure!(other.outcome()["journal_trouble"].is_null(), "{other}");
    scene.assert_journal_is_sound().await?;
    let aside = std::fs::read_dir(path.parent().context("no folder")?)?.filter_map(Result::ok);
    let aside: Vec<String> = aside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    anyhow::ensure!(aside.iter().any(|name| name.contains(".torn.")), "the torn bytes are kept: {aside:?}");
    assert_dead(scene.owned()).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn an_altered_line_is_named_and_the_next_isolation_is_recorded_all_the_same() -> Result<()> {
    let (scene, path) = recorded("bot-compliance").await?;
    let whole = std::fs::read_to_string(&path)?;
    // Somebody would rather not have it on record that a step was answered.
    let altered = whole.replacen("\"204\"", "\"200\"", 1);
    anyhow::ensure!(altered != whole);
    std::fs::write(&path, &altered)?;

    let file = path.display().to_string();
    let line = 1 + whole[..whole.find("\"204\"").context("no answer")?].matches('\n').count();
    refused(scene.estop.plain(&["journal", "verify", &file]).await?, 4, &[&file, &line.to_string()]);
    let verified = scene.estop.run(&["journal", "verify"]).await?.expect(4);
    anyhow::ensure!(list(verified.document(), "files")?[0]["result"] == "damaged", "{verified}");
    scene.estop.plain(&["status"]).await?.is_calm();

    let other = scene.estop.run(&["isolate", "bot-sales", "--yes"]).await?;
    anyhow::ensure!(matches!(other.code, 0 | 1) && other.outcome()["outcome"] != "partial", "{other}");
    anyhow::ensure!(std::fs::read_to_string(&path)? == altered, "what was found is evidence: it is not written to");
    let journals = scene.estop.journals()?;
    anyhow::ensure!(journals.len() == 2, "the next isolation has a file of its own: {journals:?}");
    let next = journals.iter().find(|other| **other != path).context("no second file")?.display().to_string();
    scene.estop.run(&["journal", "verify", &next]).await?.expect(0);
    assert_dead(scene.owned()).await?;
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn where_nothing_can_be_recorded_nothing_is_sent() -> Result<()> {
    let scene = Scene::robbed("bot-compliance").await?;
    // A file where the folder should be: nobody can write there, root included.
    std::fs::write(scene.estop.state().join("journal"), "")?;
    refused(scene.isolate(&[]).await?, 5, &["journal", "--break-glass"]);
    crate::scene::assert_live(scene.loot.iter()).await.context("nothing may be sent")?;
    let broken = scene.isolate(&["--break-glass"]).await?;
    anyhow::ensure!(broken.outcome()["journal"]["path"].is_null(), "{broken}");
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    scene.clear().await
}
