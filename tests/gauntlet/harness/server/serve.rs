//! Connections: what comes is read, met by the first fault that strikes it, and answered however that comes out.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::shared::Shared;
use crate::harness::{
    http,
    wire::{Body, Part, Reply, Wire},
};

/// Serves whoever comes until it is aborted.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let shared = shared.clone();
        connections.spawn(async move {
            match shared.tls.clone() {
                None => serve_tcp(stream, shared).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => {
                        serve(stream, &shared).await;
                    }
                    Err(_) => {
                        shared.handshakes_refused.fetch_add(1, Ordering::Relaxed);
                    }
                },
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_tcp(mut stream: TcpStream, shared: Arc<Shared>) {
    if serve(&mut stream, &shared).await == Ending::Reset {
        // A connection closed with a linger of zero is reset, not ended.
        stream.set_zero_linger().ok();
    }
}

#[derive(PartialEq, Eq)]
enum Ending {
    Closed,
    Reset,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: &Arc<Shared>) -> Ending {
    let mut buffer = Vec::new();
    while let Ok(Some(request)) = http::read(&mut stream, &mut buffer).await {
        let rule = shared.rules.lock().unwrap().iter().find(|rule| rule.strikes(&request)).cloned();
        let index = shared.arrive(&request, rule.as_deref());
        let wait = shared.latency();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let wire = rule.as_ref().map(|rule| rule.wire().clone());
        let mut drip = None;
        let reply = match wire {
            Some(Wire::Hang) => std::future::pending().await,
            Some(Wire::Reset) => return Ending::Reset,
            Some(Wire::ResetAfter) => {
                shared.apply(&request, index).await;
                return Ending::Reset;
            }
            Some(Wire::Answer(reply)) => reply,
            Some(Wire::AppliedBut(reply)) => {
                shared.apply(&request, index).await;
                reply
            }
            Some(Wire::Pretend) => Reply::status(204),
            Some(Wire::Late(after)) => {
                let (shared, request) = (shared.clone(), request.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    shared.apply(&request, index).await;
                });
                Reply::status(204)
            }
            Some(Wire::Drip(part, every)) => {
                drip = Some((part, every));
                shared.apply(&request, index).await
            }
            Some(Wire::Twist(twist)) => twist(shared.apply(&request, index).await),
            Some(Wire::Flap(time)) => {
                let right = shared.apply(&request, index).await;
                match shared.stale(&request, time).filter(|old| old.differs(&right)) {
                    Some(old) => {
                        rule.inspect(|rule| rule.lied());
                        shared.seen.lock().unwrap()[index].lied = Some(Timestamp::now());
                        old
                    }
                    None => right,
                }
            }
            None => shared.apply(&request, index).await,
        };
        shared.seen.lock().unwrap()[index].status = Some(reply.status);
        if send(&mut stream, &reply, drip).await.is_err() || !matches!(reply.body, Body::Bytes(_)) {
            break;
        }
    }
    Ending::Closed
}

async fn send<S: AsyncWrite + Unpin>(
    stream: &mut S,
    reply: &Reply,
    drip: Option<(Part, Duration)>,
) -> std::io::Result<()> {
    let head = reply.head();
    match drip {
        Some((Part::Head, every)) => trickle(stream, &head, every).await?,
        _ => stream.write_all(&head).await?,
    }
    let filler = vec![b'a'; 65536];
    match (&reply.body, drip) {
        (Body::Bytes(bytes), Some((Part::Body, every))) => trickle(stream, bytes, every).await?,
        (Body::Bytes(bytes), _) => stream.write_all(bytes).await?,
        (Body::Unmeasured(length), _) => {
            let mut left = usize::try_from(*length).unwrap();
            while left > 0 {
                let part = left.min(filler.len());
                stream.write_all(&filler[..part]).await?;
                left -= part;
            }
        }
        (Body::Endless, _) => loop {
            stream.write_all(&filler).await?;
        },
    }
    stream.flush().await
}

async fn trickle<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8], every: Duration) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        stream.flush().await?;
        tokio::time::sleep(every).await;
    }
    Ok(())
}
