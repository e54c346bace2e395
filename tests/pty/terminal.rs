//! A terminal for the real binary: a pseudo-terminal, somebody who reads its screen, and a hand on its keys.
//!
//! ```text
//! Start ─▶ Terminal: keys, paste, resize, wait_for(screen) ─▶ exit ─▶ Exit: code, screen, bytes, modes, processor time
//!                                                         └─▶ tear ─▶ exit    the line drops
//! ```
//!
//! Nothing here sleeps: whoever waits is woken by the terminal's next bytes, or by the process's end.

use std::{
    fs::File,
    io::{Read as _, Write},
    num::NonZero,
    os::unix::fs::OpenOptionsExt as _,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
    termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr},
};

use super::place::{Place, starting};

/// How long the screen has to show what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const QUERY: &[u8] = b"\x1b[5n";
const ANSWER: &[u8] = b"\x1b[0n";

/// What a terminal is opened with.
pub struct Start<'a> {
    place: &'a Place,
    size: (u16, u16),
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    answers: Answers,
    program: Program,
}

/// What runs in the terminal.
enum Program {
    Estop,
    Shell,
    Other(Vec<String>),
}

/// What the terminal does with status queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Each is answered at once.
    AtOnce,
    /// They wait, as on a slow line, until the others are let go.
    Held,
    /// The terminal does not know them.
    Never,
}

impl<'a> Start<'a> {
    pub fn at(place: &'a Place) -> Self {
        let variables = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let arguments = Vec::new();
        Self { place, size: (80, 24), variables, arguments, answers: Answers::AtOnce, program: Program::Estop }
    }

    pub fn size(mut self, width: u16, height: u16) -> Self {
        self.size = (width, height);
        self
    }

    /// Sets a variable; an empty value takes it away.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// Opens an interactive shell instead: only under one that controls jobs does SIGTSTP stop a process.
    pub fn in_a_shell(mut self) -> Self {
        self.program = Program::Shell;
        self
    }

    /// Runs something else: a way to the host on which estop runs.
    pub fn through(mut self, program: Vec<String>) -> Self {
        self.program = Program::Other(program);
        self
    }

    fn command(&self) -> CommandBuilder {
        let mut command = match &self.program {
            Program::Shell => {
                let mut shell = CommandBuilder::new("/bin/sh");
                shell.arg("-i");
                shell
            }
            Program::Estop => {
                let mut estop = CommandBuilder::new(self.place.binary());
                estop.args(self.place.arguments());
                estop.args(&self.arguments);
                estop
            }
            Program::Other(words) => CommandBuilder::from_argv(words.iter().map(Into::into).collect()),
        };
        command.env_clear();
        command.env("HOME", self.place.home());
        command.env("PS1", SHELL_PROMPT);
        command.cwd(self.place.home());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    pub fn open(self) -> Terminal {
        let (columns, rows) = self.size;
        let alone = starting();
        let pair = native_pty_system().openpty(PtySize { rows, cols: columns, ..PtySize::default() }).unwrap();
        let name = pair.master.tty_name().unwrap();
        let ours = File::options().read(true).write(true).custom_flags(NO_CONTROLLING_TTY).open(name).unwrap();
        // Without an end-of-file character the library's writer drops without typing one first.
        let mut modes = tcgetattr(&ours).unwrap();
        modes.special_codes[SpecialCodeIndex::VEOF] = 0;
        tcsetattr(&ours, OptionalActions::Now, &modes).unwrap();
        let before = format!("{:?}", pair.master.get_termios().unwrap());
        let reader = pair.master.try_clone_reader().unwrap();
        let keyboard = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let child = pair.slave.spawn_command(self.command()).unwrap();
        drop(pair.slave);
        drop(alone);
        let seen = Seen {
            parser: vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0),
            raw: Vec::new(),
            searched: 0,
            answers: self.answers,
            owed: 0,
            torn: false,
        };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new(), keyboard });
        let theirs = Arc::clone(&shared);
        let reader = std::thread::spawn(move || theirs.read(reader));
        let pid = Pid::from_raw(i32::try_from(child.process_id().unwrap()).unwrap()).unwrap();
        Terminal { shared, master: Some(pair.master), ours: Some(ours), reader: Some(reader), child, pid, before }
    }
}

/// The prompt of the shell.
pub const SHELL_PROMPT: &str = "READY> ";
/// `O_NOCTTY`: the test's own process must not get this terminal.
const NO_CONTROLLING_TTY: i32 = 0o400;

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// Up to where queries were looked for.
    searched: usize,
    answers: Answers,
    /// Answers that are held back.
    owed: usize,
    /// The line has dropped: nothing is read any more.
    torn: bool,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    keyboard: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut from: Box<dyn std::io::Read + Send>) {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let mut seen = self.lock();
            if seen.torn {
                break;
            }
            seen.raw.extend_from_slice(&bytes[..count]);
            seen.parser.process(&bytes[..count]);
            let asked = seen.queries();
            let answered = match seen.answers {
                Answers::AtOnce => asked,
                Answers::Held => {
                    seen.owed += asked;
                    0
                }
                Answers::Never => 0,
            };
            // Before anybody sees the frame: a key pressed at it must not overtake its answer.
            self.write(&ANSWER.repeat(answered));
            drop(seen);
            self.changed.notify_all();
        }
        self.changed.notify_all();
    }

    fn write(&self, bytes: &[u8]) {
        let mut keyboard = self.keyboard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keyboard) = keyboard.as_mut().filter(|_| !bytes.is_empty())
            && keyboard.write_all(bytes).is_err()
        {
            // The process has ended meanwhile; what was typed has nobody to go to.
        }
    }
}

impl Seen {
    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Whether what came last ends a frame of the console. On the normal screen there are none.
    fn is_between_frames(&self) -> bool {
        let end = self.raw.iter().rposition(|byte| *byte != b'\x07').map_or(0, |last| last + 1);
        self.raw[..end].ends_with(QUERY) || !self.parser.screen().alternate_screen()
    }

    /// How many queries came since the last call.
    fn queries(&mut self) -> usize {
        let mut count = 0;
        while let Some(at) = self.raw[self.searched..].windows(QUERY.len()).position(|window| window == QUERY) {
            self.searched += at + QUERY.len();
            count += 1;
        }
        count
    }
}

/// Somebody at a terminal. Dropping it ends the process that runs there.
pub struct Terminal {
    shared: Arc<Shared>,
    master: Option<Box<dyn MasterPty + Send>>,
    /// Keeps the terminal's modes readable after the process has closed it.
    ours: Option<File>,
    reader: Option<JoinHandle<()>>,
    child: Box<dyn Child + Send + Sync>,
    pid: Pid,
    before: String,
}

impl Terminal {
    /// Types; what is in one call reaches the process in one read.
    pub fn keys(&self, keys: &str) {
        self.shared.write(keys.as_bytes());
    }

    /// Pastes, as a terminal does that was asked to mark pasted text.
    pub fn paste(&self, text: &str) {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// From now on; what is owed is answered where answers are let go again.
    pub fn answers(&self, answers: Answers) {
        let mut seen = self.shared.lock();
        seen.answers = answers;
        let owed = if answers == Answers::AtOnce { std::mem::take(&mut seen.owed) } else { 0 };
        drop(seen);
        self.shared.write(&ANSWER.repeat(owed));
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        // Under the lock: what is drawn for the new size is read by a screen of that size.
        let mut seen = self.shared.lock();
        seen.parser.screen_mut().set_size(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// Waits until the screen is as wanted; the text it then shows. Half a frame is nobody's screen.
    pub fn wait_for(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |seen| seen.is_between_frames() && is(&seen.text()))
    }

    /// The same where frames cannot be told apart: something between the console and this terminal draws by itself.
    pub fn wait_for_shown(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |seen| is(&seen.text()))
    }

    fn wait_until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> String {
        let waits = |seen: &mut Seen| !is(seen);
        let (seen, late) = self.shared.changed.wait_timeout_while(self.shared.lock(), PATIENCE, waits).unwrap();
        assert!(!late.timed_out(), "waited for {what} and saw:\n{}", seen.text());
        seen.text()
    }

    pub fn wait_for_text(&self, wanted: &str) -> String {
        self.wait_for(wanted, |text| text.contains(wanted))
    }

    /// Watches the screen for so long: it must stay as wanted.
    pub fn stays(&self, what: &str, time: Duration, is: impl Fn(&str) -> bool) {
        let holds = |seen: &mut Seen| is(&seen.text());
        let (seen, held) = self.shared.changed.wait_timeout_while(self.shared.lock(), time, holds).unwrap();
        assert!(held.timed_out(), "{what} did not stay:\n{}", seen.text());
    }

    /// Whether the alternate screen is shown.
    pub fn is_on_its_own_screen(&self) -> bool {
        self.shared.lock().parser.screen().alternate_screen()
    }

    /// The terminal's modes, in a form that can be compared.
    pub fn modes(&self) -> String {
        format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap())
    }

    /// The modes before anything ran.
    pub fn modes_before(&self) -> &str {
        &self.before
    }

    /// Asks for the whole screen again and waits for it; what it then shows.
    pub fn redrawn(&self) -> String {
        let from = self.shared.lock().raw.len();
        self.keys("\x0c");
        self.wait_until("a whole frame", |seen| {
            let cleared = seen.raw[from..].windows(4).position(|window| window == b"\x1b[2J");
            cleared.is_some_and(|at| seen.raw[from + at..].windows(QUERY.len()).any(|window| window == QUERY))
        })
    }

    /// The process that was started.
    pub fn process(&self) -> Pid {
        self.pid
    }

    /// The process in the terminal's foreground: under a shell not the one that was started.
    pub fn foreground(&self) -> Pid {
        Pid::from_raw(self.master.as_ref().unwrap().process_group_leader().unwrap()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// The line drops: the far side is closed, with everything that keeps it open.
    pub fn tear(&mut self) -> Duration {
        let used = processor_time(self.pid);
        self.shared.lock().torn = true;
        // Wakes the reader, whose copy of the far side would keep the line up.
        self.ours.take().unwrap().write_all(b"\0").unwrap();
        self.reader.take().unwrap().join().unwrap();
        let keyboard = self.shared.keyboard.lock().unwrap().take();
        drop(keyboard);
        drop(self.master.take());
        used
    }

    /// Waits for the process to end, at most so long.
    pub fn exit(mut self, within: Duration) -> Exit {
        let ended = pidfd_open(self.pid, PidfdFlags::empty()).unwrap();
        let wait = Timespec { tv_sec: i64::try_from(within.as_secs()).unwrap(), tv_nsec: 0 };
        let found = poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&wait)).unwrap();
        let text = self.shared.lock().text();
        assert_eq!(found, 1, "it did not end within {within:?}:\n{text}");
        // Not collected yet: its figures are still there.
        let used = processor_time(self.pid);
        let code = self.child.wait().unwrap().exit_code();
        let modes = self.master.as_ref().map(|_| self.modes());
        // The last copy of the near side: the reader gets what is left and then an end.
        drop(self.ours.take());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let seen = self.shared.lock();
        let screen = seen.parser.screen();
        let on_its_own_screen = screen.alternate_screen();
        let restored = modes.as_ref() == Some(&self.before)
            && !on_its_own_screen
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
            && !screen.application_cursor();
        Exit { code, used, text: screen.contents(), raw: seen.raw.clone(), restored }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let running = matches!(self.child.try_wait(), Ok(None));
        if running && self.child.kill().is_err() {
            // It has ended in between.
        }
    }
}

/// How a process ended, and what it left of the terminal.
#[derive(Debug)]
pub struct Exit {
    pub code: u32,
    /// Processor time of its whole life.
    pub used: Duration,
    /// What the normal screen shows.
    pub text: String,
    /// Every byte that it wrote.
    pub raw: Vec<u8>,
    /// Modes as before; normal screen, cursor shown, pasted text not marked, mouse not reported.
    pub restored: bool,
}

/// User and system time of a process, ended or not, as long as nobody has collected it.
pub fn processor_time(pid: Pid) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    // proc(5): fields 14 and 15, in ticks; the name in parentheses may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    // A hundred a second in every interface of Linux to programs, whatever the kernel's own timer does.
    Duration::from_millis(ticks * 10)
}
