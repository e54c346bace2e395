//! The signals that the console owns, as one stream.

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::signal::unix::{SignalKind, signal};

use super::message::Signal;

/// A signal, or a window of another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A signal.
    Signal(Signal),
    /// The window has another size.
    Resize,
}

/// All of them. From here on none ends the process by itself.
///
/// # Errors
/// Where a handler cannot be set.
pub fn listen() -> std::io::Result<BoxStream<'static, Heard>> {
    let kinds = [
        (SignalKind::interrupt(), Heard::Signal(Signal::Int)),
        (SignalKind::terminate(), Heard::Signal(Signal::Term)),
        (SignalKind::quit(), Heard::Signal(Signal::Quit)),
        (SignalKind::hangup(), Heard::Signal(Signal::Hup)),
        (SignalKind::from_raw(Signal::Stop.number()), Heard::Signal(Signal::Stop)),
        (SignalKind::from_raw(Signal::Continue.number()), Heard::Signal(Signal::Continue)),
        (SignalKind::window_change(), Heard::Resize),
    ];
    let mut streams = Vec::new();
    for (kind, heard) in kinds {
        let listener = signal(kind)?;
        let stream =
            stream::unfold(
                listener,
                move |mut listener| async move { listener.recv().await.map(|()| (heard, listener)) },
            );
        streams.push(stream.boxed());
    }
    Ok(stream::select_all(streams).boxed())
}
