//! Every thread of the machine, from `/proc/*/task/*/stat`.

use super::tree::{Tree, Unread};

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) process: u32,
    pub(super) name: String,
    /// `R` for running or waiting for a core.
    pub(super) state: char,
    pub(super) is_kernel: bool,
    /// The core it is or was last on.
    pub(super) core: usize,
    /// 0 other, 1 FIFO, 2 round robin, as in `sched(7)`.
    pub(super) policy: u32,
}

/// All threads that could be read; they come and go meanwhile.
pub(super) fn tasks(tree: &Tree) -> Result<Vec<Task>, Unread> {
    let mut found = Vec::new();
    for process in tree.names("/proc")?.iter().filter_map(|name| name.parse::<u32>().ok()) {
        for thread in tree.names(&format!("/proc/{process}/task")).unwrap_or_default() {
            let text = tree.read(&format!("/proc/{process}/task/{thread}/stat"));
            found.extend(text.ok().and_then(|text| parse(process, &text)));
        }
    }
    if found.is_empty() {
        return Err(Unread::Absent("/proc/*/task/*/stat".to_owned()));
    }
    Ok(found)
}

/// Field numbers as in `proc_pid_stat(5)`; the name, field 2, may itself hold blanks and brackets.
pub(super) fn parse(process: u32, text: &str) -> Option<Task> {
    let (head, tail) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let flags: u64 = field(9)?.parse().ok()?;
    Some(Task {
        process,
        name,
        state: field(3)?.chars().next()?,
        is_kernel: flags & KERNEL_THREAD != 0,
        core: field(39)?.parse().ok()?,
        policy: field(41)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
