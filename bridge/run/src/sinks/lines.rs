//! To the terminal: lines wait until the thread that watches the session prints them.

use crossbeam::channel::Sender;
use paperwire_core::time::HostNs;

use crate::sink::Sink;
use crate::told::Told;

/// Lines for people.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) Sender<String>);

impl Sink for Lines {
    fn told(&mut self, told: &Told, _at: HostNs) {
        if let Some(line) = &told.line {
            // Whoever watched may be gone already.
            let _ = self.0.send(line.clone());
        }
    }
}
