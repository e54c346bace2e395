//! One run of the real binary: its end, its words, and what it cost.

use std::{
    fmt,
    io::Read,
    process::{Child, ExitStatus},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

/// How a run went.
#[derive(Clone)]
pub struct Ran {
    pub command: String,
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub wall: Duration,
    /// When it was started.
    pub began: Instant,
    /// `VmHWM` in KiB, as last seen while it ran. Of the process that was started: `strace`'s own under strace.
    pub peak_kib: u64,
    /// User and system time, in clock ticks of 10 ms.
    pub cpu_ticks: u64,
}

impl Ran {
    /// Each JSON line of standard output; what is cut off by a kill is left out.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The last line of an isolation.
    pub fn outcomes(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["schema"] == "estop.outcome/1").collect()
    }

    /// The one outcome.
    #[track_caller]
    pub fn outcome(&self) -> Value {
        let all = self.outcomes();
        assert_eq!(all.len(), 1, "one outcome: {self}");
        all[0].clone()
    }

    /// Fails, with all that was said, unless it ended with one of these codes.
    #[track_caller]
    pub fn expect(&self, codes: &[i32]) -> &Self {
        assert!(self.code.is_some_and(|code| codes.contains(&code)), "not {codes:?}: {self}");
        self
    }

    /// Fails unless one line of standard error has all of these.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Self {
        let found = self.stderr.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no sentence with {parts:?}: {self}");
        self
    }

    /// Fails where it took longer.
    #[track_caller]
    pub fn within(&self, limit: Duration) -> &Self {
        assert!(self.wall <= limit, "took {:?}, not {limit:?}: {self}", self.wall);
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr, wall, peak_kib, .. } = self;
        let last = stdout.lines().last().unwrap_or_default();
        write!(f, "{command} = {code:?} ({wall:?}, {peak_kib} KiB)\n{last}\n-- stderr\n{stderr}")
    }
}

/// A run under way. Dropped, it is killed with its whole process group.
pub struct Running {
    child: Child,
    command: String,
    began: Instant,
    output: [Option<JoinHandle<Vec<u8>>>; 2],
    so_far: Arc<Mutex<Vec<u8>>>,
    cost: Arc<Cost>,
    ended: bool,
    /// When its case is out of time.
    until: Instant,
}

#[derive(Default)]
struct Cost {
    peak_kib: AtomicU64,
    cpu_ticks: AtomicU64,
    over: AtomicBool,
}

impl Running {
    /// Of a child with both outputs piped and a process group of its own.
    pub fn new(mut child: Child, command: String, until: Instant) -> Self {
        let so_far: Arc<Mutex<Vec<u8>>> = Arc::default();
        let stdout = child.stdout.take().map(|pipe| collect(pipe, Some(so_far.clone())));
        let stderr = child.stderr.take().map(|pipe| collect(pipe, None));
        let cost = Arc::new(Cost::default());
        let (watched, pid) = (cost.clone(), child.id());
        std::thread::spawn(move || watched.watch(pid));
        Self { child, command, began: Instant::now(), output: [stdout, stderr], so_far, cost, ended: false, until }
    }

    /// Of the process that was started; a prefix that replaces itself keeps the number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on standard output so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.so_far.lock().unwrap()).into_owned()
    }

    /// Until it has ended: the runtime's own handler of SIGSEGV, there for its stack guard, forgives the first.
    #[track_caller]
    pub fn crash(&mut self, signal: Signal) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.runs() {
            assert!(Instant::now() < until, "{signal:?} does not end it");
            self.signal(signal);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// To its end; fails where it does not come in time.
    #[track_caller]
    pub fn wait(mut self, patience: Duration) -> Ran {
        let status = self.status(patience.min(self.until.saturating_duration_since(Instant::now())));
        self.finish(status)
    }

    /// `kill -9`, and what it had said by then.
    pub fn kill(mut self) -> Ran {
        self.kill_group();
        let status = self.child.wait().unwrap();
        self.finish(status)
    }

    #[track_caller]
    fn status(&mut self, patience: Duration) -> ExitStatus {
        // The pipe's end is the process's, but for a grandchild that holds it: hence both are looked at.
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > until {
                let said = self.said();
                self.kill_group();
                let tail = said.lines().rev().take(3).collect::<Vec<_>>().join("\n");
                panic!("out of time: {} does not end within {patience:?}: {tail}", self.command);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn finish(&mut self, status: ExitStatus) -> Ran {
        self.ended = true;
        let wall = self.began.elapsed();
        self.cost.over.store(true, Ordering::Relaxed);
        // What was started beside it (a command for a secret) must not hold the pipes.
        self.kill_group();
        let [stdout, stderr] = &mut self.output;
        let text = |pipe: &mut Option<JoinHandle<Vec<u8>>>| {
            let bytes = pipe.take().map(|reader| reader.join().unwrap()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ran {
            command: self.command.clone(),
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
            wall,
            began: self.began,
            peak_kib: self.cost.peak_kib.load(Ordering::Relaxed),
            cpu_ticks: self.cost.cpu_ticks.load(Ordering::Relaxed),
        }
    }

    fn kill_group(&self) {
        kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cost.over.store(true, Ordering::Relaxed);
        if !self.ended {
            self.kill_group();
            self.child.wait().ok();
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static, shared: Option<Arc<Mutex<Vec<u8>>>>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut all, mut part) = (Vec::new(), [0; 8192]);
        while let Ok(length @ 1..) = pipe.read(&mut part) {
            all.extend_from_slice(&part[..length]);
            if let Some(shared) = &shared {
                shared.lock().unwrap().extend_from_slice(&part[..length]);
            }
        }
        all
    })
}

impl Cost {
    fn watch(&self, pid: u32) {
        let image = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let ours = image("self");
        while !self.over.load(Ordering::Relaxed) {
            // Until it has its own image its memory is that of this process.
            if image(&pid.to_string()) == ours {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return };
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            if let Some(kib) = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()) {
                self.peak_kib.fetch_max(kib, Ordering::Relaxed);
            }
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after = stat.rsplit(')').next().unwrap_or_default();
            let fields: Vec<u64> = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
            self.cpu_ticks.fetch_max(fields.iter().sum(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
