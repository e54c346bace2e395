//! A PostgreSQL server that speaks as much of the protocol as estop asks of it, and says what the bytes say.
//!
//! Protocol: <https://www.postgresql.org/docs/15/protocol-message-formats.html>.

#[path = "database/rows.rs"]
mod rows;

use std::{
    io::{self, ErrorKind},
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use rows::{Statement, Value};

/// What the server says.
pub enum Says {
    /// The rows of a small, sound server; the answer of that number is written over before it is sent.
    Over(usize, Vec<u8>),
    /// Sound, but the answers from that number on never end: a row that is longer than anybody can keep, or one short row
    /// after the other.
    Endless(usize, bool),
    /// Rows drawn from these bytes, each value of the type that its column has.
    Drawn(Vec<u8>),
}

/// A server on a port of its own.
pub struct Database {
    says: Says,
    answered: AtomicUsize,
}

impl Database {
    /// One that has said nothing yet.
    pub const fn new(says: Says) -> Self {
        Self { says, answered: AtomicUsize::new(0) }
    }

    /// Serves whoever comes, one after the other.
    pub async fn serve(&self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = self.talk(stream).await;
        }
    }

    async fn talk(&self, mut stream: TcpStream) -> io::Result<()> {
        // Thousands of runs would leave thousands of ports waiting.
        stream.set_zero_linger()?;
        stream.set_nodelay(true)?;
        let length = usize::try_from(stream.read_u32().await?).map_err(|_| ErrorKind::InvalidData)?;
        stream.read_exact(&mut vec![0; length.saturating_sub(4)]).await?;
        stream.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()).await?;
        let (mut asked, mut answer) = (Statement::Unknown, Vec::new());
        loop {
            let tag = stream.read_u8().await?;
            let length = usize::try_from(stream.read_u32().await?).map_err(|_| ErrorKind::InvalidData)?;
            let mut body = vec![0; length.saturating_sub(4)];
            stream.read_exact(&mut body).await?;
            match tag {
                b'P' => {
                    asked = Statement::of(&String::from_utf8_lossy(&body));
                    answer.extend(message(b'1', b""));
                }
                b'B' => answer.extend(message(b'2', b"")),
                b'D' => answer.extend(message(b'T', &description(asked.columns()))),
                b'E' => {
                    answer.extend(self.rows(asked).iter().flat_map(|row| message(b'D', &row_of(row))));
                    answer.extend(message(b'C', b"SELECT 1\0"));
                }
                b'Q' => answer.extend([message(b'I', b""), message(b'Z', b"I")].concat()),
                b'S' => answer.extend(message(b'Z', b"I")),
                b'X' => return Ok(()),
                _ => {}
            }
            if !matches!(tag, b'S' | b'Q') {
                continue;
            }
            let number = self.answered.fetch_add(1, Ordering::Relaxed);
            if let Says::Over(which, over) = &self.says
                && *which == number
            {
                answer = super::overwrite(&answer, over).to_vec();
            }
            if let Says::Endless(which, one) = &self.says
                && *which <= number
            {
                let short =
                    [message(b'1', b""), message(b'2', b""), message(b'T', &description(asked.columns()))].concat();
                stream.write_all(if *one { b"D\x7f\xff\xff\xff" } else { &short }).await?;
                loop {
                    stream.write_all(&b"D\0\0\0\x06\0\0".repeat(4096)).await?;
                }
            }
            stream.write_all(&answer).await?;
            if !is_whole(&answer) {
                // Whoever waits for the rest of a message would wait for its deadline. No reset: it would take away
                // what the other end has not read yet.
                stream.shutdown().await?;
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
                return Ok(());
            }
            answer.clear();
        }
    }

    fn rows(&self, asked: Statement) -> Vec<Vec<Value>> {
        match &self.says {
            Says::Over(..) | Says::Endless(..) => asked.sound(),
            Says::Drawn(bytes) => asked.drawn(bytes),
        }
    }
}

/// Whether these are messages, and the last one says that there is no more.
fn is_whole(mut bytes: &[u8]) -> bool {
    let mut last = 0;
    while let [tag, a, b, c, d, rest @ ..] = bytes {
        let body = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok().and_then(|length| length.checked_sub(4));
        let Some(rest) = body.and_then(|length| rest.get(length..)) else { return false };
        (last, bytes) = (*tag, rest);
    }
    bytes.is_empty() && last == b'Z'
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("it is short");
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn description(columns: &[rows::Column]) -> Vec<u8> {
    let mut body = count(columns.len()).to_vec();
    for column in columns {
        body.extend(b"column\0\0\0\0\0\0\0");
        body.extend(column.oid().to_be_bytes());
        // Its size, its modifier, and that it comes in binary form.
        body.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1]);
    }
    body
}

fn row_of(values: &[Value]) -> Vec<u8> {
    let mut body = count(values.len()).to_vec();
    for value in values {
        match value {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(bytes) => {
                body.extend(u32::try_from(bytes.len()).expect("it is short").to_be_bytes());
                body.extend(bytes);
            }
        }
    }
    body
}

fn count(of: usize) -> [u8; 2] {
    u16::try_from(of).expect("there are few").to_be_bytes()
}
