//! What touches the machine: clocks, pinning, waiting, kernel receive times, the allocation guard.
//!
//! Every `unsafe` block of the project is in this room, each with its proof (`SAFETY`) and the reason
//! why safe code was not enough (`JUSTIFICATION`).
//!
//! * [`clock`]: the host clock (TSC) and its relation to UTC
//! * [`alloc_guard`]: the global allocator that counts what a warm thread allocates
//! * [`deadline`]: waiting that ends, and requests to stop
//! * [`runner`]: turns an agent on a pinned thread, waits, and watches for stalls
//! * [`host`]: what only a system call tells of the machine, [`owner`]: whose a file or folder is
//! * [`watch`]: what the kernel did to one of our threads
//! * [`rx`]: a socket read that also returns the kernel's receive time

#![warn(missing_docs)]

pub mod alloc_guard;
pub mod clock;
pub mod deadline;
pub mod descriptors;
pub mod host;
pub mod owner;
pub mod runner;
pub mod rx;
pub mod watch;
