//! What only a system call tells of the machine: the kernel's clock discipline, what the calling thread
//! suffered, free space of a disk, the width of a screen, and whether a socket may poll busily. Nothing here changes anything
//! but a socket that is given, and [`lock_memory`] this process.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::DurationNs;

/// What the kernel believes about the wall clock (`adjtimex(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSync {
    /// Something disciplines it: chrony, ntpd, PTP.
    pub is_synced: bool,
    /// The kernel's bound of its error.
    pub error_max: DurationNs,
    /// The kernel's estimate of its error.
    pub error_estimate: DurationNs,
}

/// Reads the discipline of the wall clock.
///
/// # Errors
/// What the kernel says; some sandboxes forbid the question.
pub fn clock_sync() -> io::Result<ClockSync> {
    // SAFETY: `timex` is a plain C struct of integers, for which zero is valid.
    // JUSTIFICATION: its private padding fields can be filled in no other way.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to one live `timex`; `modes` is zero, so the kernel only reads.
    // JUSTIFICATION: no safe wrapper in our dependencies offers adjtimex.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let micros = |us: libc::c_long| DurationNs::from_micros(u64::try_from(us).unwrap_or(0));
    Ok(ClockSync {
        is_synced: timex.status & libc::STA_UNSYNC == 0 && state != libc::TIME_ERROR,
        error_max: micros(timex.maxerror),
        error_estimate: micros(timex.esterror),
    })
}

/// The calling thread's faults and switches.
///
/// # Errors
/// What the kernel says.
pub fn thread_usage() -> io::Result<ThreadUsage> {
    // SAFETY: `rusage` is a plain C struct of integers, for which zero is valid.
    // JUSTIFICATION: its private padding fields can be filled in no other way.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to one live `rusage`, which the kernel fills.
    // JUSTIFICATION: no safe wrapper in our dependencies offers getrusage for one thread.
    let result = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let count = |of: libc::c_long| u64::try_from(of).unwrap_or(0);
    Ok(ThreadUsage {
        minor_faults: count(usage.ru_minflt),
        major_faults: count(usage.ru_majflt),
        switches_by_choice: count(usage.ru_nvcsw),
        switches_by_force: count(usage.ru_nivcsw),
    })
}

/// Bytes that this user may still write to the file system of `path`.
///
/// # Errors
/// What the kernel says; a path with a zero byte is refused.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `statvfs` is a plain C struct of integers, for which zero is valid.
    // JUSTIFICATION: its private padding fields can be filled in no other way.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends in a zero byte and lives until the call returns, as does `found`.
    // JUSTIFICATION: no safe wrapper in our dependencies offers statvfs.
    let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut found) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Lets reads of this socket poll the device for `span` before they wait (`SO_BUSY_POLL`).
///
/// # Errors
/// `PermissionDenied` when this user may not raise it above `net.core.busy_read`.
pub fn busy_poll(socket: BorrowedFd<'_>, span: DurationNs) -> io::Result<()> {
    let micros = libc::c_int::try_from(span.raw() / 1_000).unwrap_or(libc::c_int::MAX);
    let len = libc::socklen_t::try_from(size_of_val(&micros)).expect("four bytes");
    // SAFETY: the descriptor is open for the life of `socket`, and the pointer and length describe
    // one live `c_int`.
    // JUSTIFICATION: no safe wrapper in our dependencies sets SO_BUSY_POLL.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BUSY_POLL,
            (&raw const micros).cast(),
            len,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this process may lock all that it has and will have: without a limit, or with `CAP_IPC_LOCK`.
fn may_lock_all() -> io::Result<bool> {
    const CAP_IPC_LOCK: u32 = 14;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or(0);
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"));
    let limit = limit.and_then(|text| text.split_whitespace().next());
    Ok(mask >> CAP_IPC_LOCK & 1 == 1 || limit == Some("unlimited"))
}

/// Locks every page that this process has and will have, and fetches those that are not there yet. Refused
/// under a limit: with it, one of the next allocations would fail instead, and end the process.
///
/// # Errors
/// `PermissionDenied` under a limit; else what the kernel says.
pub fn lock_memory() -> io::Result<()> {
    if !may_lock_all()? {
        let why = "locked memory is limited (RLIMIT_MEMLOCK)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    // SAFETY: mlockall takes two flags and no pointer; it changes where pages are, never what is in them.
    // JUSTIFICATION: no safe wrapper in our dependencies locks a whole process.
    let result = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Columns of the screen behind a descriptor; `None` where there is no screen.
pub fn columns(screen: BorrowedFd<'_>) -> Option<u16> {
    // SAFETY: `winsize` is a plain C struct of integers, for which zero is valid.
    // JUSTIFICATION: it has no constructor.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open for the life of `screen`, and the pointer is to one live
    // `winsize`, which is what TIOCGWINSZ fills.
    // JUSTIFICATION: no safe wrapper in our dependencies asks for the size of a screen.
    let result = unsafe { libc::ioctl(screen.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(size.ws_col)
}

#[cfg(test)]
mod tests;
