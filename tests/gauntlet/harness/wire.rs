//! What may happen to a request on its way, and to its answer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::http::Request;

/// Which half of an answer drips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Head,
    Body,
}

/// What happens to a request that a [`Rule`] matches.
#[derive(Clone)]
pub enum Wire {
    /// It arrives, nothing is applied, and nothing ever comes back.
    Hang,
    /// The connection is reset; nothing was applied.
    Reset,
    /// It is applied; then the connection is reset without an answer.
    ResetAfter,
    /// This answer, and nothing is applied.
    Answer(Reply),
    /// It is applied, but this is the answer.
    AppliedBut(Reply),
    /// A success that changed nothing.
    Pretend,
    /// A success whose effect comes only after so long.
    Late(Duration),
    /// The right answer, one byte each so long, in this part of it.
    Drip(Part, Duration),
    /// Reads give, every second time, what was read before the first cut, for so long after it took effect.
    Flap(Duration),
    /// The right answer, changed.
    Twist(Arc<dyn Fn(Reply) -> Reply + Send + Sync>),
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::ResetAfter => "reset after",
            Self::Answer(_) => "answer",
            Self::AppliedBut(_) => "applied, but",
            Self::Pretend => "pretend",
            Self::Late(_) => "late",
            Self::Drip(..) => "drip",
            Self::Flap(_) => "flap",
            Self::Twist(_) => "twist",
        })
    }
}

/// The body of an answer.
#[derive(Clone)]
pub enum Body {
    Bytes(Vec<u8>),
    /// So many bytes of `a`, without a length.
    Unmeasured(u64),
    /// It never ends.
    Endless,
}

/// An answer.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
    }

    pub fn json(status: u16, text: impl Into<Vec<u8>>) -> Self {
        Self::status(status).header("content-type", "application/json").body(text)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }

    /// Without a length, and for ever if there is no number.
    pub fn streaming(mut self, bytes: Option<u64>) -> Self {
        self.body = bytes.map_or(Body::Endless, Body::Unmeasured);
        self
    }

    /// Whether it says something else.
    pub fn differs(&self, other: &Self) -> bool {
        match (&self.body, &other.body) {
            (Body::Bytes(one), Body::Bytes(two)) => self.status != other.status || one != two,
            _ => true,
        }
    }

    /// The head as bytes. Without a length the connection's end is the body's.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} .\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Body::Bytes(bytes) if self.status != 204 => head.push_str(&format!("content-length: {}\r\n", bytes.len())),
            Body::Bytes(_) => {}
            Body::Unmeasured(_) | Body::Endless => head.push_str("connection: close\r\n"),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// Which requests a fault strikes, and how often. The first rule that matches a request decides.
pub struct Rule {
    method: Option<&'static str>,
    path: Box<dyn Fn(&Request) -> bool + Send + Sync>,
    from: usize,
    to: usize,
    seen: AtomicUsize,
    fired: AtomicUsize,
    wire: Wire,
}

impl Rule {
    /// Every request.
    pub fn all(wire: Wire) -> Self {
        Self::when(|_| true, wire)
    }

    /// Requests that the function picks.
    pub fn when(pick: impl Fn(&Request) -> bool + Send + Sync + 'static, wire: Wire) -> Self {
        Self {
            method: None,
            path: Box::new(pick),
            from: 1,
            to: usize::MAX,
            seen: AtomicUsize::new(0),
            fired: AtomicUsize::new(0),
            wire,
        }
    }

    /// Requests that would change something at the admin API.
    pub fn changes(wire: Wire) -> Self {
        Self::when(Request::changes, wire)
    }

    /// Reads of the admin API.
    pub fn reads(wire: Wire) -> Self {
        Self::when(|request| request.method == "GET" && request.path().starts_with("/admin/"), wire)
    }

    /// Requests with this method whose path contains the text.
    pub fn on(method: &'static str, path: &str, wire: Wire) -> Self {
        let path = path.to_owned();
        Self { method: Some(method), ..Self::when(move |request| request.path().contains(&path), wire) }
    }

    /// Only the first `n` such requests.
    pub fn first(mut self, n: usize) -> Self {
        (self.from, self.to) = (1, n);
        self
    }

    /// How often it struck.
    pub fn fired(&self) -> usize {
        self.fired.load(Ordering::Relaxed)
    }

    pub fn is_owed(&self) -> bool {
        self.fired() == 0
    }

    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Whether it strikes this request; it counts.
    pub fn strikes(&self, request: &Request) -> bool {
        if self.method.is_some_and(|method| method != request.method) || !(self.path)(request) {
            return false;
        }
        let nth = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let strikes = (self.from..=self.to).contains(&nth);
        if strikes && !matches!(self.wire, Wire::Flap(_)) {
            self.fired.fetch_add(1, Ordering::Relaxed);
        }
        strikes
    }

    /// A flap fires only where it lies.
    pub fn lied(&self) {
        self.fired.fetch_add(1, Ordering::Relaxed);
    }
}
