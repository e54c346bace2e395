//! A line between estop and a server that writes down what estop sends: who says that a secret was not sent looks here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Listens until the test ends.
pub struct Wire {
    pub port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    /// In front of a server on this machine.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let wire = Self { port: listener.local_addr()?.port(), sent: Arc::default() };
        let sent = wire.sent.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, SocketAddr::from(([127, 0, 0, 1], port)), sent.clone()));
            }
        });
        Ok(wire)
    }

    /// What was sent since this was last asked.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether bytes have these in them.
pub fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

async fn carry(client: TcpStream, server: SocketAddr, sent: Arc<Mutex<Vec<u8>>>) -> std::io::Result<()> {
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let back = tokio::spawn(async move {
        let copied = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
        copied
    });
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from_client.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
        to_server.write_all(&buffer[..read]).await?;
    }
    let _ = to_server.shutdown().await;
    let _ = back.await;
    Ok(())
}
