//! What survives which cut in PostgreSQL, and which rights a cut needs.

use anyhow::Result;

use crate::lab::postgres::{Right, Scene, Server, Stolen};

/// The names of what still works; an error if any of it is unclear.
async fn alive(loot: &[Stolen]) -> Result<Vec<&str>> {
    let mut alive = Vec::new();
    for stolen in loot {
        let seen = stolen.still_works().await;
        anyhow::ensure!(seen.works() || seen.refused(), "{}: {seen}", stolen.describe());
        if seen.works() {
            alive.push(stolen.describe());
        }
    }
    Ok(alive)
}

/// The four cuts, in the order in which each leaves one thief fewer.
fn cuts(scene: &Scene) -> [String; 4] {
    let (bot, colleague) = (&scene.bot.name, &scene.colleague.name);
    let end = |user: &str| format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");
    [format!("ALTER ROLE {bot} NOLOGIN"), end(bot), format!("REVOKE {bot} FROM {colleague}"), end(colleague)]
}

#[tokio::test]
#[ignore = "needs a real PostgreSQL"]
async fn each_cut_leaves_the_next_survivor() -> Result<()> {
    let server = Server::from_env()?;
    let scene = server.fresh_scene(&Right::LEAST).await?;
    let loot = scene.steal_everything().await?;
    let others = scene.neighbours().await?;
    let estop = server.session(&scene.estop).await?;
    let all: Vec<&str> = loot.iter().map(Stolen::describe).collect();
    for (done, cut) in cuts(&scene).iter().enumerate() {
        assert_eq!(alive(&loot).await?, all[done..], "before {cut}");
        estop.client.batch_execute(cut).await?;
    }
    assert_eq!(alive(&loot).await?, [""; 0]);
    assert_eq!(alive(&others).await?.len(), others.len());
    Ok(())
}

/// How many of the four cuts a role with these rights may make.
async fn allowed(rights: &[Right]) -> Result<[bool; 4]> {
    let server = Server::from_env()?;
    let scene = server.fresh_scene(rights).await?;
    let _open = scene.steal_everything().await?;
    let estop = server.session(&scene.estop).await?;
    let mut allowed = [false; 4];
    for (cut, allowed) in cuts(&scene).iter().zip(&mut allowed) {
        *allowed = estop.client.batch_execute(cut).await.is_ok();
    }
    Ok(allowed)
}

#[tokio::test]
#[ignore = "needs a real PostgreSQL"]
async fn each_cut_needs_its_right() -> Result<()> {
    use Right::{AdminOfBot, CreateRole, SignalBackend};
    // Shut the role, end its sessions, take back the membership, end the colleague's sessions.
    assert_eq!(allowed(&Right::LEAST).await?, [true, true, true, true]);
    assert_eq!(allowed(&[CreateRole]).await?, [true, false, true, false]);
    assert_eq!(allowed(&[SignalBackend]).await?, [false, true, false, true]);
    assert_eq!(allowed(&[AdminOfBot]).await?, [false, true, true, false]);
    Ok(())
}
