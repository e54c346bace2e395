//! Figures of a process, as proc(5) has them.

use std::collections::HashMap;

/// Resident memory, in MiB.
pub fn memory(process: Option<u32>) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process.unwrap())).unwrap();
    figure(&text, "VmRSS") as f64 / 1024.0
}

/// How often the threads of a process have waited and were woken.
pub struct Wakeups {
    process: u32,
    known: HashMap<std::ffi::OsString, u64>,
}

impl Wakeups {
    pub fn of(process: Option<u32>) -> Self {
        let mut wakeups = Self { process: process.unwrap(), known: HashMap::new() };
        wakeups.since();
        wakeups
    }

    /// Since this was asked last. A thread that has ended takes its own with it.
    pub fn since(&mut self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process)).unwrap();
        let mut woken = 0;
        for task in tasks.flatten() {
            let Ok(text) = std::fs::read_to_string(task.path().join("status")) else { continue };
            let now = figure(&text, "voluntary_ctxt_switches");
            let before = self.known.insert(task.file_name(), now).unwrap_or(0);
            woken += now.saturating_sub(before);
        }
        woken
    }
}

fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How busy the machine has been in the last minute, five and fifteen, and its processors.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    let figures: Vec<&str> = text.split_whitespace().take(3).collect();
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{} on {processors} processors", figures.join(" "))
}
