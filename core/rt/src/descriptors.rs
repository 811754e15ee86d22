//! How many files and sockets this process may have open, and some that are kept for whoever must open one.
//!
//! The limit is the process's, not a thread's: whoever opens without end takes the feed's next connection from it. So
//! the limit is raised as far as the system allows at the start, everybody has a number, and a [`Spare`] holds some
//! back for the one that must not fail.

use std::fs::File;
use std::io;

/// What the system allows, and what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Most that may be open now (the soft limit).
    pub limit: usize,
    /// Most that the process may ask for (the hard limit).
    pub limit_max: usize,
    /// Open now.
    pub open: usize,
}

/// Descriptors beyond this are of no use to anybody here, and some systems make long tables of them.
const LIMIT_WANTED: u64 = 1 << 16;

fn read() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to one live `rlimit`, which the kernel fills.
    // JUSTIFICATION: the standard library has no getrlimit.
    let state = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if state == 0 { Ok(limit) } else { Err(io::Error::last_os_error()) }
}

/// Reads the limits and counts what is open.
///
/// # Errors
/// What the kernel says.
pub fn descriptors() -> io::Result<Descriptors> {
    let limit = read()?;
    let number = |of: u64| usize::try_from(of).unwrap_or(usize::MAX);
    // The folder itself is open while it is read.
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count().saturating_sub(1));
    Ok(Descriptors { limit: number(limit.rlim_cur), limit_max: number(limit.rlim_max), open })
}

/// Raises the limit as far as the process may and it is of use; the limits afterwards.
///
/// # Errors
/// What the kernel says; the limit is as before.
pub fn raise_limit() -> io::Result<Descriptors> {
    let mut limit = read()?;
    let wanted = limit.rlim_max.min(LIMIT_WANTED);
    if limit.rlim_cur < wanted {
        limit.rlim_cur = wanted;
        // SAFETY: the pointer is to one live `rlimit`, which the kernel only reads.
        // JUSTIFICATION: the standard library has no setrlimit.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    descriptors()
}

/// Descriptors that are held for a moment in which none would be left.
#[derive(Debug)]
pub struct Spare {
    held: Vec<File>,
    most: usize,
}

impl Spare {
    /// Holds so many, or as many as there are.
    pub fn take(most: usize) -> Self {
        let mut spare = Self { held: Vec::with_capacity(most), most };
        spare.refill();
        spare
    }

    /// Gives all of them back to the process, for whoever opens next.
    pub fn release(&mut self) {
        self.held.clear();
    }

    /// Takes again what was released.
    pub fn refill(&mut self) {
        while self.held.len() < self.most {
            let Ok(file) = File::open("/dev/null") else { return };
            self.held.push(file);
        }
    }

    /// Held now.
    pub const fn held(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_descriptors_are_open_until_they_are_released() {
        let limits = descriptors().unwrap();
        assert!(limits.open >= 3 && limits.open < limits.limit && limits.limit <= limits.limit_max);
        let mut spare = Spare::take(6);
        assert_eq!(spare.held(), 6);
        spare.release();
        assert_eq!(spare.held(), 0);
        spare.refill();
        assert_eq!(spare.held(), 6);
        assert!(raise_limit().unwrap().limit >= limits.limit);
    }
}
