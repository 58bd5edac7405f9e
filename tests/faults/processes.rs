//! Processes seen from outside, through `/proc`.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process by id and start time, so that a reused id is another process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    started: String,
    parent: u32,
}

/// Sends a signal.
pub fn signal(pid: u32, what: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), what).unwrap();
}

/// A living process; `None` for one that is gone or only waits to be noticed by its parent.
pub fn find(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, so the fields count from its closing bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let alive = !matches!(fields[0], "Z" | "X");
    alive.then(|| Process { pid, parent: fields[1].parse().unwrap(), started: fields[19].to_owned() })
}

/// A process and all it started, directly or not.
pub fn family(root: u32) -> Vec<Process> {
    let all: BTreeMap<u32, Process> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, find(pid)?)))
        .collect();
    let belongs = |process: &&Process| {
        let mut at = *process;
        loop {
            if at.pid == root {
                return true;
            }
            match all.get(&at.parent) {
                Some(parent) if parent.pid != 0 => at = parent,
                _ => return false,
            }
        }
    };
    all.values().filter(belongs).cloned().collect()
}

/// Those of `processes` that still live.
pub fn survivors(processes: &[Process]) -> Vec<Process> {
    processes.iter().filter(|known| find(known.pid).is_some_and(|now| now.started == known.started)).cloned().collect()
}
