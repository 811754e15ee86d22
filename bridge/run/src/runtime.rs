//! The threads of everything asynchronous, and the signals that end a program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use paperwire_replay::error::RunError;

use crate::live::internal;

/// The threads of everything async.
#[derive(Debug)]
pub struct AsyncRuntime(Option<tokio::runtime::Runtime>);

impl std::ops::Deref for AsyncRuntime {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("it is only taken when it is dropped")
    }
}

impl Drop for AsyncRuntime {
    /// Without waiting: a request to a server that does not answer would hold the end of the program.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts the threads of everything async; signals count into `stop` from now on.
///
/// # Errors
/// [`RunError::Internal`] when the system has no thread left.
pub fn async_runtime(stop: &Arc<AtomicU32>) -> Result<AsyncRuntime, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("async")
        .enable_all()
        .build()
        .map_err(internal)?;
    watch_signals(&runtime, stop.clone());
    Ok(AsyncRuntime(Some(runtime)))
}

/// Counts signals that ask the program to end into `stop`; the second one ends it at once.
pub fn watch_signals(runtime: &tokio::runtime::Runtime, stop: Arc<AtomicU32>) {
    runtime.spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.fetch_add(1, Ordering::AcqRel) > 0 {
                // The second request: whatever still runs is given up.
                std::process::exit(130);
            }
        }
    });
}
