//! Who is told what goes on, without a word about how it is shown.

/// Takes what a long command has to say meanwhile.
pub trait Notices {
    /// Something that happened.
    fn notice(&mut self, text: &str);
    /// The regular line of a running session.
    fn status(&mut self, line: &str);
    /// What goes on at the moment; the next one replaces it, an empty one clears it.
    fn progress(&mut self, text: &str);
    /// True once nobody can read them any more, which ends a session in order.
    fn is_unread(&self) -> bool {
        false
    }
}

/// Keeps everything to itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Notices for Quiet {
    fn notice(&mut self, _: &str) {}
    fn status(&mut self, _: &str) {}
    fn progress(&mut self, _: &str) {}
}
