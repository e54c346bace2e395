//! Signals of a command: one place that owns them.
//!
//! A reading command ends at once. An isolation that has sent something goes on to its end or a checkpoint
//! (`isolate`); the journal has every intent, so nothing is lost either way.

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Exit;

/// What was asked of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGQUIT.
    Quit,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

impl Received {
    const fn number(self) -> Number {
        match self {
            Self::Interrupt => Number::INT,
            Self::Terminate => Number::TERM,
            Self::Quit => Number::QUIT,
            Self::Hangup => Number::HUP,
        }
    }

    /// 128 + n: nothing had been sent.
    pub fn exit(self) -> Exit {
        Exit::Signal(u8::try_from(self.number().as_raw()).unwrap_or(0))
    }
}

/// The four signals that end a process. One that was ignored when estop began (`nohup`, a background job) stays so.
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    quit: Option<Signal>,
    hangup: Option<Signal>,
    /// Whether one has come.
    pub heard: bool,
    /// Kept so that a file-size limit is an error of the write, and a stray signal nothing, and not the end of the
    /// process with the terminal or an isolation left as it is.
    _kept: Vec<Option<Signal>>,
}

impl Signals {
    /// Takes them over.
    ///
    /// # Errors
    /// The system refuses.
    pub fn take() -> std::io::Result<Self> {
        let ignored = ignored_signals();
        let take = |number: Number| {
            let is_ignored = ignored >> (number.as_raw() - 1) & 1 == 1;
            if is_ignored { Ok(None) } else { signal(SignalKind::from_raw(number.as_raw())).map(Some) }
        };
        Ok(Self {
            interrupt: take(Number::INT)?,
            terminate: take(Number::TERM)?,
            quit: take(Number::QUIT)?,
            hangup: take(Number::HUP)?,
            heard: false,
            _kept: [Number::USR1, Number::USR2, Number::ALARM, Number::XFSZ]
                .map(take)
                .into_iter()
                .collect::<Result<_, _>>()?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Received {
        let received = tokio::select! {
            () = arrival(&mut self.interrupt) => Received::Interrupt,
            () = arrival(&mut self.terminate) => Received::Terminate,
            () = arrival(&mut self.quit) => Received::Quit,
            () = arrival(&mut self.hangup) => Received::Hangup,
        };
        self.heard = true;
        received
    }
}

async fn arrival(signal: &mut Option<Signal>) {
    let arrived = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if arrived.is_none() {
        std::future::pending::<()>().await;
    }
}

/// The mask of ignored signals, bit n - 1 for signal n; none where the system does not tell.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
