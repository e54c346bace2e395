//! A PostgreSQL or a Keycloak of one test's own, which it may stop and start again with everything in it.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Command;

use super::keycloak::Lab;
use super::postgres::Server;

const POSTGRES: &str = "tests/live/postgres";
const KEYCLOAK: &str = "tests/live/keycloak";

/// A PostgreSQL. Stopped, and its cluster removed, when it is dropped.
pub struct OwnServer {
    state: TempDir,
    server: Server,
}

impl OwnServer {
    pub async fn start() -> Result<Self> {
        let state = tempfile::tempdir()?;
        let folder = state.path().join("postgres");
        let port = free_port()?;
        script(POSTGRES, &["start", &port.to_string(), &folder.display().to_string()]).await?;
        let server = Server::in_state(port, &folder)?;
        Ok(Self { state, server })
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Stops it; its cluster stays.
    pub async fn halt(&mut self) -> Result<()> {
        script(POSTGRES, &["halt", &self.folder()]).await
    }

    /// Starts it again on the same port, with the same cluster.
    pub async fn again(&mut self) -> Result<()> {
        script(POSTGRES, &["again", &self.server.port.to_string(), &self.folder()]).await
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
        let _ = std::process::Command::new(path(POSTGRES)).args(["stop", &self.folder()]).status();
    }
}

/// A Keycloak. Stopped, and its database removed, when it is dropped.
pub struct OwnKeycloak {
    state: TempDir,
    port: u16,
    lab: Lab,
}

impl OwnKeycloak {
    pub async fn start() -> Result<Self> {
        let state = tempfile::tempdir()?;
        let folder = state.path().join("keycloak");
        let port = free_port()?;
        script(KEYCLOAK, &["start", &port.to_string(), &folder.display().to_string()]).await?;
        let password = std::fs::read_to_string(folder.join("admin.password"))?;
        let lab = Lab::connect(&format!("http://127.0.0.1:{port}"), password.trim())?;
        Ok(Self { state, port, lab })
    }

    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Stops it as an operating system would; its database stays.
    pub async fn halt(&self) -> Result<()> {
        script(KEYCLOAK, &["stop", &self.folder()]).await
    }

    /// Starts it again on the same port, with the same database.
    pub async fn again(&self) -> Result<()> {
        script(KEYCLOAK, &["again", &self.port.to_string(), &self.folder()]).await
    }

    fn folder(&self) -> String {
        self.state.path().join("keycloak").display().to_string()
    }
}

impl Drop for OwnKeycloak {
    fn drop(&mut self) {
        // Nobody is left to hear that it failed; the script has printed why.
        let _ = std::process::Command::new(path(KEYCLOAK)).args(["stop", &self.folder()]).status();
    }
}

fn path(script: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(script)
}

async fn script(script: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(path(script)).args(arguments).output().await.with_context(|| script.to_owned())?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{script} {arguments:?}: {said}");
    Ok(())
}

/// A port that was free a moment ago, below the range that the system hands out by itself.
pub fn free_port() -> Result<u16> {
    let salt = uuid::Uuid::new_v4().as_u128();
    let candidates = (0..50_u128).filter_map(|n| u16::try_from(20_000 + (salt + n * 97) % 12_000).ok());
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.into_iter().find(free).context("no free port")
}
