//! The end of a session's files. What they lack is a note of the report, and the error that the run ends
//! with: nobody must take them for complete.

use std::path::Path;

use super::RunError;
use crate::drain::Shared;
use crate::journal::stream::Lost;
use crate::journal::{Entry, Journal, JournalEnd};
use crate::recorder::RecorderThread;
use crate::report::{self, Summary};
use crate::tally::Tally;

/// Ends the recording with the report so far.
pub(super) fn recording(
    recorder: RecorderThread,
    path: &Path,
    tally: &Tally,
    summary: &mut Summary,
) -> Option<RunError> {
    let recording = recorder.finish(report::json(tally, summary).to_string().into_bytes());
    summary.recording_lost += recording.lost;
    let Some(problem) = recording.problem else {
        let line = format!("recorded {} records to {}", recording.records, path.display());
        summary.notes.push(line);
        return None;
    };
    let text = format!("the recording {} ended early: {problem}", path.display());
    summary.notes.push(text.clone());
    Some(RunError::Storage(text))
}

/// Ends the logs with the report so far.
pub(super) fn journal(journal: Journal, tally: &Tally, summary: &mut Summary) -> Option<RunError> {
    journal.write(Entry::System("session_end", report::json(tally, summary)));
    let JournalEnd { problems, lost } = journal.close();
    summary.notes.extend(problems);
    summary.logs_lost = lost;
    let Lost { lines, fills } = lost;
    if lines == 0 {
        return None;
    }
    let text = format!(
        "the logs lack {lines} lines, {fills} of them fills, which the disk did not take; free space \
         or change [logs] dir"
    );
    summary.notes.push(text.clone());
    Some(RunError::Storage(text))
}

/// A store that did not take what the session had.
pub(super) fn history(shared: &mut Shared, summary: &mut Summary) -> Option<RunError> {
    let text = shared.history_failed.take()?;
    summary.notes.push(text.clone());
    Some(RunError::Storage(text))
}
