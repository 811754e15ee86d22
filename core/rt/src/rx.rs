//! Reading a socket together with the kernel's receive time of its bytes.
//!
//! TCP has one time per read, that of the last segment that contributed to it
//! (Documentation/networking/timestamping.rst of the Linux kernel), so frames that share a read also
//! share an arrival; each is still charged its own queueing behind the others.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use paperwire_core::time::ExchNs;

/// Asks the kernel to stamp what the socket receives.
///
/// # Errors
/// When the socket or kernel cannot; reads then carry no time, and everything else works.
pub fn enable_timestamps(socket: BorrowedFd<'_>) -> io::Result<()> {
    let flags: libc::c_uint = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
    let len = libc::socklen_t::try_from(size_of_val(&flags)).expect("four bytes");
    // SAFETY: the descriptor is open for the life of `socket`, and the pointer and length describe
    // one live `c_uint`.
    // JUSTIFICATION: no safe wrapper in our dependencies sets SO_TIMESTAMPING.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPING,
            (&raw const flags).cast(),
            len,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads into `buffer` without waiting; returns the bytes read and the kernel's time of them.
/// Zero bytes mean that the other side closed.
///
/// # Errors
/// `WouldBlock` when nothing is there, else what the kernel says.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<ExchNs>)> {
    /// Room for the three timestamps of `SCM_TIMESTAMPING` and their header, aligned for `cmsghdr`.
    #[repr(align(8))]
    struct Control([u8; 128]);
    let mut control = Control([0; 128]);
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: `msghdr` is a plain C struct of integers and pointers, for which zero is valid.
    // JUSTIFICATION: its private padding fields can be filled in no other way.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    // SAFETY: the descriptor is open; `message` points to one vector over `buffer` and to a control
    // area of the stated length, all alive and unaliased until the call returns.
    // JUSTIFICATION: receive times come only through `recvmsg`, which std does not offer.
    let read = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let Ok(read) = usize::try_from(read) else {
        return Err(io::Error::last_os_error());
    };
    Ok((read, timestamp_of(&message)))
}

fn timestamp_of(message: &libc::msghdr) -> Option<ExchNs> {
    // SAFETY: `message` was filled by `recvmsg`, so its control area holds a well-formed list.
    // JUSTIFICATION: the list is walked by C macros on raw pointers.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: a non-null result of the CMSG macros points to a whole header in the area.
        let is_timestamp = unsafe {
            (*header).cmsg_level == libc::SOL_SOCKET
                && (*header).cmsg_type == libc::SCM_TIMESTAMPING
        };
        if is_timestamp {
            // SAFETY: the payload of SCM_TIMESTAMPING starts with a `timespec`; it may be unaligned.
            let stamp = unsafe {
                std::ptr::read_unaligned(libc::CMSG_DATA(header).cast::<libc::timespec>())
            };
            if stamp.tv_sec == 0 {
                return None;
            }
            return stamp
                .tv_sec
                .checked_mul(1_000_000_000)?
                .checked_add(stamp.tv_nsec)
                .map(ExchNs::new);
        }
        // SAFETY: `header` lies in `message`'s control area.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

#[cfg(test)]
mod tests;
