//! Records of a tape in memory, in the order in which they took effect, so that neither the file nor its
//! history is part of what is measured. At most [`BATCH_BYTES`] and one record at a time.

use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;
use paperwire_feed::control;
use paperwire_tape::{Source, TapeError};

/// Records taken into memory at once.
const BATCH_BYTES: usize = 64 << 20;

/// Kind, time, and where its payload starts and ends.
pub(super) type BatchRecord = (RawKind, HostNs, usize, usize);

/// Records in memory.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<BatchRecord>,
    len_max: usize,
    /// The last frame of a full batch: what comes next may have to stand before it.
    held: Option<(HostNs, Vec<u8>)>,
}

impl Default for Batch {
    fn default() -> Self {
        Self::of(BATCH_BYTES)
    }
}

impl Batch {
    fn of(len_max: usize) -> Self {
        Self { bytes: Vec::new(), records: Vec::new(), len_max, held: None }
    }

    /// Takes the next records; false when there are none.
    pub(super) fn fill(&mut self, source: &mut Source, lost: &mut u64) -> Result<bool, TapeError> {
        self.bytes.clear();
        self.records.clear();
        if let Some((rx, payload)) = self.held.take() {
            self.add(RawKind::Frame, rx, &payload);
        }
        while self.bytes.len() < self.len_max || self.records.len() < 2 {
            let Some(record) = source.next()? else {
                return Ok(!self.records.is_empty());
            };
            match record.kind {
                RawKind::Frame | RawKind::Control | RawKind::Arrival => {
                    self.add(record.kind, record.rx, record.payload);
                }
                RawKind::Gap => {
                    let count = record.payload.first_chunk::<8>();
                    *lost += count.map_or(1, |bytes| u64::from_le_bytes(*bytes));
                }
                RawKind::Trail => {}
            }
        }
        if let Some((_, rx, start, end)) = self.records.pop_if(|of| of.0 == RawKind::Frame) {
            // Not always the last bytes: what stands before it now may have come after it.
            self.held = Some((rx, self.bytes[start..end].to_vec()));
        }
        Ok(true)
    }

    fn add(&mut self, kind: RawKind, rx: HostNs, payload: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        let record = (kind, rx, start, self.bytes.len());
        match self.records.last() {
            Some((RawKind::Frame, at, ..))
                if kind == RawKind::Control && *at == rx && control::is_late(payload) =>
            {
                self.records.insert(self.records.len() - 1, record);
            }
            _ => self.records.push(record),
        }
    }
}

#[cfg(test)]
mod tests;
