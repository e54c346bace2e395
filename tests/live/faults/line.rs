//! A line between estop and a real PostgreSQL that knows where messages begin, and breaks statements on purpose.
//!
//! Messages: <https://www.postgresql.org/docs/15/protocol-message-formats.html>. All but the first have a type, then a
//! length that counts itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::proxy::Meeting;
use crate::wire::has;

/// What a statement meets.
#[derive(Clone)]
pub enum Fault {
    /// The connection is closed before the server hears of it.
    Drop,
    /// Half of the message, then the connection is closed.
    Half,
    /// The server does it; the connection is closed before its answer.
    Lost,
    /// Nothing happens for so long, then it goes on.
    Silent(Duration),
    /// It waits for the test.
    Meet(Arc<Meeting>),
}

impl Fault {
    const fn name(&self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Half => "half",
            Self::Lost => "lost",
            Self::Silent(_) => "silent",
            Self::Meet(_) => "meet",
        }
    }
}

struct Rule {
    /// What the message has in it.
    text: &'static str,
    left: usize,
    fault: Fault,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    met: Vec<(&'static str, &'static str)>,
}

/// Listens until the test ends.
pub struct Line {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Line {
    /// In front of a server on this machine.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let line = Self { port: listener.local_addr()?.port(), state: Arc::default() };
        let state = line.state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, SocketAddr::from(([127, 0, 0, 1], port)), state.clone()));
            }
        });
        Ok(line)
    }

    /// The next so many messages with this text in them meet this.
    pub fn breaks(&self, times: usize, fault: Fault, text: &'static str) {
        lock(&self.state).rules.push(Rule { text, left: times, fault });
    }

    /// From now on nothing is broken.
    pub fn heal(&self) {
        lock(&self.state).rules.clear();
    }

    /// Fails unless a fault was met at least so often.
    pub fn assert_fired(&self, name: &str, least: usize) -> Result<()> {
        let met = lock(&self.state).met.clone();
        let fired = met.iter().filter(|(fault, _)| *fault == name).count();
        anyhow::ensure!(fired >= least, "{name} was met {fired} times, not {least}: {met:?}");
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn meet(state: &Mutex<State>, message: &[u8]) -> Option<Fault> {
    let mut state = lock(state);
    let rule = state.rules.iter_mut().find(|rule| rule.left > 0 && has(message, rule.text))?;
    rule.left -= 1;
    let (fault, text) = (rule.fault.clone(), rule.text);
    state.met.push((fault.name(), text));
    Some(fault)
}

/// Whatever ends one side ends both.
async fn carry(client: TcpStream, server: SocketAddr, state: Arc<Mutex<State>>) -> Result<()> {
    let (mut from_server, to_server) = TcpStream::connect(server).await?.into_split();
    let (from_client, mut to_client) = client.into_split();
    let deaf = tokio::sync::watch::Sender::new(false);
    let mut is_deaf = deaf.subscribe();
    let back = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = from_server.read(&mut buffer).await?;
            // The server has answered what estop is not to hear of.
            if read == 0 || *is_deaf.borrow_and_update() {
                return anyhow::Ok(());
            }
            to_client.write_all(&buffer[..read]).await?;
        }
    };
    tokio::select! {
        ended = ask(from_client, to_server, &state, &deaf) => ended,
        ended = back => ended,
    }
}

async fn ask(
    mut from_client: OwnedReadHalf,
    mut to_server: OwnedWriteHalf,
    state: &Mutex<State>,
    deaf: &tokio::sync::watch::Sender<bool>,
) -> Result<()> {
    let mut first = true;
    loop {
        let message = message(&mut from_client, first).await?;
        first = false;
        match meet(state, &message) {
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::Half) => {
                to_server.write_all(&message[..message.len() / 2]).await?;
                return Ok(());
            }
            Some(Fault::Lost) => {
                deaf.send_replace(true);
            }
            Some(Fault::Silent(time)) => tokio::time::sleep(time).await,
            Some(Fault::Meet(meeting)) => meeting.wait().await,
            None => {}
        }
        to_server.write_all(&message).await?;
    }
}

/// One message; the first has no type.
async fn message(from: &mut OwnedReadHalf, first: bool) -> Result<Vec<u8>> {
    let head = if first { 4 } else { 5 };
    let mut message = vec![0; head];
    from.read_exact(&mut message).await?;
    let length: [u8; 4] = message[head - 4..].try_into()?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    anyhow::ensure!((4..1 << 20).contains(&length), "not a message: {length} bytes");
    message.resize(head + length - 4, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}
