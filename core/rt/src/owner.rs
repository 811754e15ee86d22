//! Who owns a file or a folder among all processes: an advisory lock that ends with its process.
//!
//! A lock needs no file of its own and leaves nothing behind after a crash. Two descriptors of one process
//! exclude each other as those of two processes do.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Takes the lock of an open file or folder without waiting; it lasts as long as the descriptor. False
/// when somebody else has it. A file system without locks has no owners: there everybody gets it.
///
/// # Errors
/// What the system says.
pub fn try_own(of: &File) -> io::Result<bool> {
    // SAFETY: the call gets a descriptor that the borrow keeps open, and touches no memory of ours.
    // JUSTIFICATION: the standard library has this call only after the oldest compiler we support.
    let result = unsafe { libc::flock(of.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if result == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EWOULDBLOCK) => Ok(false),
        Some(libc::ENOLCK | libc::ENOTSUP | libc::ENOSYS) => Ok(true),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_until_its_descriptor_is_closed() {
        let path = std::env::temp_dir().join(format!("paperwire-owner-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let (first, second) = (File::open(&path).unwrap(), File::open(&path).unwrap());
        assert!(try_own(&first).unwrap());
        assert!(try_own(&first).unwrap(), "its owner may ask again");
        assert!(!try_own(&second).unwrap());
        drop(first);
        assert!(try_own(&second).unwrap());
        std::fs::remove_dir(&path).unwrap();
    }
}
