//! A connection whose other end can only say so much to one question.
//!
//! The client library keeps every row until the answer has ended, and grows its buffer for a message to whatever length
//! the message says: a server that never stops would take all memory there is.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that may come until something is sent again. One look at 10,000 roles with comments is about 2 MB; so many
/// empty rows are about 100 MB once they are read.
pub(super) const MOST: usize = 8 * 1024 * 1024;

/// A stream that fails once more than [`MOST`] bytes have come since the last one was sent.
pub(super) struct Bounded<S> {
    inner: S,
    left: usize,
    flooded: Arc<AtomicBool>,
}

impl<S> Bounded<S> {
    /// `flooded` is set when it fails.
    pub(super) fn new(inner: S, flooded: Arc<AtomicBool>) -> Self {
        Self { inner, left: MOST, flooded }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let came = buf.filled().len().saturating_sub(before);
        let Some(left) = self.left.checked_sub(came) else {
            self.flooded.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("the server says more than anybody asked for")));
        };
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.left = MOST;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn an_answer_has_an_end_and_the_next_question_has_one_of_its_own() {
        let flooded = Arc::new(AtomicBool::new(false));
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut near = Bounded::new(near, flooded.clone());
        let talk = async {
            let mut answer = vec![0; MOST];
            for _ in 0..2 {
                near.write_all(b"?").await?;
                near.read_exact(&mut answer).await?;
            }
            assert!(!flooded.load(Ordering::Relaxed));
            near.read_exact(&mut [0; 1]).await
        };
        let server = async {
            for more in [0, 1] {
                far.read_exact(&mut [0; 1]).await?;
                far.write_all(&vec![7; MOST + more]).await?;
            }
            io::Result::Ok(())
        };
        let (said, _) = tokio::join!(talk, server);
        assert!(said.is_err() && flooded.load(Ordering::Relaxed), "{said:?}");
    }
}
