//! The terminal's modes: entered once, left completely, on every way out.
//!
//! ```text
//! can_open ─▶ enter (raw, alternate screen, paste in brackets, cursor hidden) ─▶ … ─▶ leave (idempotent)
//!                                                       panic hook, Drop, suspend ──────┘
//! ```

mod family;

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    panic,
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{OptionalActions, QueueSelector, Termios, isatty, tcflush, tcgetattr, tcgetwinsize, tcsetattr},
};
use tokio::sync::mpsc;

use super::{encode::Dialect, message::Size, mouse, output};
use crate::domain::Untrusted;

/// Alternate screen, cursor hidden, paste in brackets. The mouse is a wish of its own.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The same backwards, plain text, and no region: a frame that was dropped half may have left both.
const LEAVE: &[u8] = b"\x1b[?2004l\x1b[r\x1b[0m\x1b[?25h\x1b[?1049l";
/// Asks whether frames can be marked to be shown at once (DECRQM of private mode 2026).
const ASK: &[u8] = b"\x1b[?2026$p";
/// What a terminal without an answer to its size is taken for.
const FALLBACK: Size = Size { width: 80, height: 24 };

/// Whether a console can be opened here. Asks, and writes no byte.
///
/// # Errors
/// One clear line for people, with the commands that need no terminal.
pub fn can_open() -> Result<(), String> {
    let term = term();
    let why = if !isatty(io::stdin()) || !isatty(io::stdout()) {
        "standard input and output are not both a terminal".to_owned()
    } else if term.is_empty() {
        "TERM is not set".to_owned()
    } else if term == "dumb" {
        "TERM is dumb".to_owned()
    } else if !family::is_known(&term, |name| std::env::var(name).ok()) {
        let shown = Untrusted::new(term).shown_in(40);
        format!("TERM is {shown}, which nobody here knows (TERM=xterm estop, if it is like one)")
    } else {
        return Ok(());
    };
    Err(format!("the console needs a terminal, and {why}: use `estop list`, `estop show`, `estop isolate` instead"))
}

fn term() -> String {
    std::env::var("TERM").unwrap_or_default()
}

/// What the terminal understands, by its family.
pub fn dialect() -> Dialect {
    family::dialect(&term())
}

/// What it takes to leave; there is one terminal a process.
struct Entered {
    tty: OwnedFd,
    original: Termios,
    mouse: bool,
}

static ENTERED: Mutex<Option<Entered>> = Mutex::new(None);
static SCREEN_THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);
static PANICS: Mutex<Option<mpsc::UnboundedSender<String>>> = Mutex::new(None);
static HOOK: Once = Once::new();
static WATCHING: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The guard: while it lives the terminal is the console's, after that it is as it was.
#[derive(Debug)]
pub struct Terminal {
    tty: OwnedFd,
    mouse: bool,
}

impl Terminal {
    /// Enters raw mode and the alternate screen on standard input and output; `mouse`: and asks for its reports.
    ///
    /// # Errors
    /// Where the terminal's modes cannot be read or set.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let terminal = Self { tty: io::stdout().as_fd().try_clone_to_owned()?, mouse };
        terminal.take()?;
        if family::may_be_asked(&term()) {
            output::write_all(&terminal.tty, ASK)?;
        }
        Ok(terminal)
    }

    /// Enters once more, after [`leave`].
    ///
    /// # Errors
    /// Where the terminal's modes cannot be read or set.
    pub fn take(&self) -> io::Result<()> {
        let original = tcgetattr(&self.tty)?;
        let mut raw = original.clone();
        raw.make_raw();
        let entered = Entered { tty: self.tty.try_clone()?, original, mouse: self.mouse };
        *lock(&ENTERED) = Some(entered);
        tcsetattr(&self.tty, OptionalActions::Now, &raw)?;
        output::write_all(&self.tty, &entering(self.mouse))?;
        Ok(())
    }

    /// Columns and rows now.
    pub fn size(&self) -> Size {
        size_of(&self.tty)
    }

    /// A descriptor of the same terminal.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub fn handle(&self) -> io::Result<OwnedFd> {
        self.tty.try_clone()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Where the mouse is not asked for, no byte about it is sent.
fn entering(mouse: bool) -> Vec<u8> {
    [ENTER, if mouse { mouse::ON } else { b"" }].concat()
}

fn leaving(mouse: bool) -> Vec<u8> {
    [if mouse { mouse::OFF } else { b"" }, LEAVE].concat()
}

/// Columns and rows of a terminal.
pub fn size_of(tty: &OwnedFd) -> Size {
    match tcgetwinsize(tty) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size { width: size.ws_col, height: size.ws_row },
        _ => FALLBACK,
    }
}

/// Gives the terminal back as it was found. Does nothing where that was done already, and never blocks for long.
pub fn leave() {
    let Some(Entered { tty, original, mouse }) = lock(&ENTERED).take() else { return };
    // A terminal that takes nothing more must not keep its modes: what it has not taken is dropped.
    if !writable(&tty) && tcflush(&tty, QueueSelector::OFlush).is_err() {
        // Gone: there is nothing to restore.
    }
    if writable(&tty) && output::write_all(&tty, &leaving(mouse)).is_err() {
        // The same.
    }
    // Answers to the last query would otherwise show up on the shell's next line.
    if tcflush(&tty, QueueSelector::IFlush).is_err() || tcsetattr(&tty, OptionalActions::Now, &original).is_err() {
        // The same.
    }
}

fn writable(tty: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(tty, PollFlags::OUT)];
    let wait = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    matches!(poll(&mut fds, Some(&wait)), Ok(1..)) && fds[0].revents().contains(PollFlags::OUT)
}

/// Watches panics while the console is open: one on the screen's own thread restores the terminal before it is
/// printed; one elsewhere is told to the screen, which goes on drawing. The receiver gets places, never messages:
/// a message may hold what a provider said.
pub fn watch_panics() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    *lock(&PANICS) = Some(sender);
    WATCHING.store(true, Ordering::SeqCst);
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let on_screen = lock(&SCREEN_THREAD).is_some_and(|screen| screen == thread::current().id());
            if !WATCHING.load(Ordering::SeqCst) || on_screen {
                leave();
                before(info);
                return;
            }
            let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            if let Some(sender) = lock(&PANICS).as_ref()
                && sender.send(place).is_err()
            {
                // The console has ended meanwhile.
            }
        }));
    });
    receiver
}

/// The console has ended: panics are printed as usual again.
pub fn unwatch_panics() {
    WATCHING.store(false, Ordering::SeqCst);
    *lock(&SCREEN_THREAD) = None;
}

/// Runs the console's own code: a panic in it is the screen's, wherever the executor has put it.
pub fn on_screen<T>(code: impl FnOnce() -> T) -> thread::Result<T> {
    *lock(&SCREEN_THREAD) = Some(thread::current().id());
    let result = panic::catch_unwind(panic::AssertUnwindSafe(code));
    *lock(&SCREEN_THREAD) = None;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_is_switched_off_and_the_mouse_only_where_it_is_asked_for() {
        for mouse in [false, true] {
            let modes = |bytes: Vec<u8>, end: char| {
                let text = String::from_utf8(bytes).unwrap();
                let mut modes: Vec<String> =
                    text.split('\u{1b}').filter_map(|part| part.strip_suffix(end)).map(str::to_owned).collect();
                modes.sort();
                modes
            };
            let on: Vec<String> = modes(entering(mouse), 'h');
            let off: Vec<String> = modes(leaving(mouse), 'l');
            // The cursor goes the other way.
            let switched: Vec<&String> = off.iter().filter(|mode| *mode != "[?25").collect();
            assert_eq!(on.iter().collect::<Vec<_>>(), switched);
            assert_eq!(on.iter().any(|mode| mode.starts_with("[?100")), mouse, "{on:?}");
        }
    }
}
