//! A PostgreSQL of one test's own, which it may stop and start again with everything in it.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Command;

use super::postgres::Server;

/// Stopped, and its cluster removed, when it is dropped.
pub struct OwnServer {
    state: TempDir,
    server: Server,
}

impl OwnServer {
    pub async fn start() -> Result<Self> {
        let state = tempfile::tempdir()?;
        let folder = state.path().join("postgres");
        let port = free_port()?;
        script(&["start", &port.to_string(), &folder.display().to_string()]).await?;
        let server = Server::in_state(port, &folder)?;
        Ok(Self { state, server })
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Stops it; its cluster stays.
    pub async fn halt(&mut self) -> Result<()> {
        script(&["halt", &self.folder()]).await
    }

    /// Starts it again on the same port, with the same cluster.
    pub async fn again(&mut self) -> Result<()> {
        script(&["again", &self.server.port.to_string(), &self.folder()]).await
    }

    /// From its next start on it is a standby, which takes no changes; or it is none any more.
    pub fn stand_by(&self, on: bool) -> Result<()> {
        let cluster = std::fs::read_to_string(format!("{}/cluster", self.folder()))?;
        let signal = PathBuf::from(cluster.trim()).join("data/standby.signal");
        if on { std::fs::write(&signal, "") } else { std::fs::remove_file(&signal) }
            .with_context(|| signal.display().to_string())
    }

    fn folder(&self) -> String {
        self.state.path().join("postgres").display().to_string()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Nobody is left to hear that it failed; the script has printed why.
        let _ = std::process::Command::new(path()).args(["stop", &self.folder()]).status();
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/live/postgres")
}

async fn script(arguments: &[&str]) -> Result<()> {
    let output = Command::new(path()).args(arguments).output().await.context("tests/live/postgres does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "tests/live/postgres {arguments:?}: {said}");
    Ok(())
}

/// A port that was free a moment ago, below the range that the system hands out by itself.
pub fn free_port() -> Result<u16> {
    let salt = uuid::Uuid::new_v4().as_u128();
    let candidates = (0..50_u128).filter_map(|n| u16::try_from(20_000 + (salt + n * 97) % 12_000).ok());
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.into_iter().find(free).context("no free port")
}
