//! A line between estop and a real Keycloak that understands requests, writes each down, and breaks them on purpose.
//!
//! ```text
//! estop ──request──▶ first rule that fits ──▶ server ──answer──▶ estop
//!                      │ cut, held, lied to      │ lost, late, cut, dripped
//! ```

use std::convert::Infallible;
use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// What a request meets.
#[derive(Clone)]
pub enum Fault {
    /// The connection is closed before the server hears of it.
    Drop,
    /// The server does it; the connection is reset before the answer.
    Lost,
    /// The server does it; its answer comes so much later.
    Late(Duration),
    /// This status, with a `Retry-After` of so many seconds; the server hears nothing.
    Status(u16, Option<u32>),
    /// Half of the answer's body, then the connection is closed.
    Cut,
    /// The answer comes a byte at a time.
    Drip(Duration),
    /// The answer comes; then the connection, idle by now, is closed without a word.
    HangUp,
    /// It waits for the test.
    Meet(Arc<Meeting>),
}

/// A request that waits until the test has done something.
#[derive(Default)]
pub struct Meeting {
    here: Notify,
    open: watch::Sender<bool>,
}

impl Meeting {
    /// Waits until a request has come.
    pub async fn reached(&self) -> Result<()> {
        tokio::time::timeout(Duration::from_mins(1), self.here.notified()).await.context("no such request has come")
    }

    /// Lets it, and all that wait with it, go on.
    pub fn go_on(&self) {
        self.open.send_replace(true);
    }

    pub(super) async fn wait(&self) {
        self.here.notify_one();
        // The sender lives as long as `self`.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// One request, and the fault that it met.
struct Seen {
    request: String,
    met: Option<&'static str>,
}

type Fits = Box<dyn Fn(&Method, &str) -> bool + Send + Sync>;

struct Rule {
    fits: Fits,
    left: usize,
    fault: Fault,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
}

/// Listens until the test ends.
pub struct Proxy {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// In front of a server on this machine.
    pub async fn to(url: &str) -> Result<Self> {
        let server: SocketAddr =
            url.trim_start_matches("http://").trim_end_matches('/').parse().context(url.to_owned())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = Self { url: format!("http://{}", listener.local_addr()?), state: Arc::default() };
        let state = proxy.state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server, state.clone()));
            }
        });
        Ok(proxy)
    }

    /// The next so many requests that fit meet this.
    pub fn breaks(&self, times: usize, fault: Fault, fits: impl Fn(&Method, &str) -> bool + Send + Sync + 'static) {
        lock(&self.state).rules.push(Rule { fits: Box::new(fits), left: times, fault });
    }

    /// From now on nothing is broken.
    pub fn heal(&self) {
        lock(&self.state).rules.clear();
    }

    /// Fails unless a fault was met at least so often.
    pub fn assert_fired(&self, name: &str, least: usize) -> Result<()> {
        let state = lock(&self.state);
        let fired = state.seen.iter().filter(|one| one.met == Some(name)).count();
        let requests = || state.seen.iter().map(|one| one.request.as_str()).collect::<Vec<_>>().join("\n");
        anyhow::ensure!(fired >= least, "{name} was met {fired} times, not {least}: {}", requests());
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fault {
    const fn name(&self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Lost => "lost",
            Self::Late(_) => "late",
            Self::Status(..) => "status",
            Self::Cut => "cut",
            Self::Drip(_) => "drip",
            Self::HangUp => "hang-up",
            Self::Meet(_) => "meet",
        }
    }
}

impl State {
    /// Writes it down, and takes the first rule that fits.
    fn meet(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.left > 0 && (rule.fits)(method, path));
        let fault = rule.map(|rule| {
            rule.left -= 1;
            rule.fault.clone()
        });
        let met = fault.as_ref().map(Fault::name);
        self.seen.push(Seen { request: format!("{method} {path}"), met });
        fault
    }
}

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// How the connection ends.
struct Hook {
    /// The same socket once more: where it lingers for no time, closing it is a reset.
    socket: TcpStream,
    hang_up: Notify,
}

async fn serve(client: TcpStream, server: SocketAddr, state: Arc<Mutex<State>>) -> Result<()> {
    let client = client.into_std()?;
    let hook = Arc::new(Hook { socket: TcpStream::from_std(client.try_clone()?)?, hang_up: Notify::new() });
    let (again, client) = (hook.clone(), TcpStream::from_std(client)?);
    let service = service_fn(move |request| answer(request, server, state.clone(), again.clone()));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), service);
    tokio::select! {
        ended = connection => ended.map_err(Into::into),
        () = hook.hang_up.notified() => Ok(()),
    }
}

async fn answer(
    request: Request<Incoming>,
    server: SocketAddr,
    state: Arc<Mutex<State>>,
    hook: Arc<Hook>,
) -> Result<Answer> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let fault = lock(&state).meet(request.method(), &path);
    match &fault {
        Some(Fault::Drop) => anyhow::bail!("dropped"),
        Some(Fault::Status(status, after)) => return said(*status, *after),
        Some(Fault::Meet(meeting)) => meeting.wait().await,
        _ => {}
    }
    let (head, body) = forward(request, server).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    match fault {
        Some(Fault::Lost) => {
            hook.socket.set_zero_linger()?;
            anyhow::bail!("the answer is lost")
        }
        Some(Fault::Late(time)) => tokio::time::sleep(time).await,
        Some(Fault::Cut) => return Ok(Response::from_parts(head, Slow::of(body, Duration::ZERO, true).boxed())),
        Some(Fault::Drip(pause)) => return Ok(Response::from_parts(head, Slow::of(body, pause, false).boxed())),
        Some(Fault::HangUp) => {
            tokio::spawn(async move {
                // The answer leaves first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                hook.hang_up.notify_one();
            });
        }
        _ => {}
    }
    Ok(Response::from_parts(head, whole(body)))
}

fn whole(body: Bytes) -> BoxBody<Bytes, std::io::Error> {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed()
}

fn said(status: u16, after: Option<u32>) -> Result<Answer> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status)?;
    if let Some(seconds) = after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    Ok(response)
}

/// To the server, on a connection of its own.
async fn forward(request: Request<Incoming>, server: SocketAddr) -> Result<Response<Incoming>> {
    let stream = TcpStream::connect(server).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// A body that comes a byte at a time, or breaks off in the middle.
struct Slow {
    left: Bytes,
    pause: Duration,
    /// So many bytes are never sent.
    kept: usize,
    whole: u64,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Slow {
    fn of(body: Bytes, pause: Duration, cut: bool) -> Self {
        let kept = if cut { body.len().div_ceil(2) } else { 0 };
        let whole = body.len() as u64;
        Self { left: body, pause, kept, whole, sleep: Box::pin(tokio::time::sleep(pause)) }
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        if self.kept > 0 && self.left.len() <= self.kept {
            return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())));
        }
        std::task::ready!(self.sleep.as_mut().poll(context));
        let size = if self.kept > 0 { self.left.len() - self.kept } else { 1 };
        let (pause, part) = (self.pause, self.left.split_to(size));
        self.sleep.set(tokio::time::sleep(pause));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole - (self.whole - self.left.len() as u64))
    }
}
