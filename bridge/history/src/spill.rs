//! What the database cannot take now, on the disk: segments of checksummed records, read back in order.
//!
//! A record is its length and CRC-32, both little-endian, and its bytes; it is synced before `append`
//! returns. A segment is deleted when its last record was taken, so a crash repeats records and loses none.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A segment that is longer is not continued.
const SEGMENT_BYTES: u64 = 8 << 20;
/// No record is longer; a longer one was never written whole.
const RECORD_BYTES_MAX: u32 = 256 << 20;
const HEAD: usize = 8;

/// A queue of records in a folder.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    /// Numbers of the segments, oldest first, and their bytes.
    segments: VecDeque<(u64, u64)>,
    next_number: u64,
    /// The newest segment, while it is written.
    writing: Option<File>,
    /// The oldest segment, while it is read, and the length of the record that was looked at.
    reading: Option<(BufReader<File>, u64)>,
    /// Bytes that were no whole record.
    torn_bytes: u64,
}

impl Spill {
    /// Opens the folder, or creates it; segments of an earlier process are kept and read first.
    ///
    /// # Errors
    /// When the folder cannot be read or created.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".spill"));
            if let Some(number) = number.and_then(|text| text.parse().ok()) {
                segments.push((number, entry.metadata()?.len()));
            }
        }
        segments.sort_unstable();
        let next_number = segments.last().map_or(0, |(number, _)| number + 1);
        Ok(Self {
            folder: folder.to_owned(),
            segments: segments.into(),
            next_number,
            writing: None,
            reading: None,
            torn_bytes: 0,
        })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}.spill"))
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Bytes that a crash left of a record, and that were passed over.
    pub const fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// Adds a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing of it is there.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let length = u32::try_from(record.len()).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("a record of more than 256 MiB"))?;
        let is_full = self.segments.back().is_none_or(|(_, bytes)| *bytes >= SEGMENT_BYTES);
        if self.writing.is_none() || is_full {
            let number = self.next_number;
            let mut options = OpenOptions::new();
            let file = options.create_new(true).write(true).open(self.path(number))?;
            self.next_number += 1;
            self.writing = Some(file);
            self.segments.push_back((number, 0));
        }
        let (Some(file), Some((_, bytes))) = (&mut self.writing, self.segments.back_mut()) else {
            unreachable!("a segment was just begun");
        };
        let mut whole = Vec::with_capacity(record.len() + HEAD);
        whole.extend_from_slice(&length.to_le_bytes());
        whole.extend_from_slice(&crc32fast::hash(record).to_le_bytes());
        whole.extend_from_slice(record);
        if let Err(error) = file.write_all(&whole).and_then(|()| file.sync_data()) {
            // A part of a record must not stand before the next one.
            let _ = file.set_len(*bytes);
            let _ = file.seek(SeekFrom::Start(*bytes));
            if *bytes == 0 {
                self.drop_newest();
            }
            return Err(error);
        }
        *bytes += u64::try_from(whole.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn drop_newest(&mut self) {
        self.writing = None;
        if let Some((number, _)) = self.segments.pop_back() {
            let _ = std::fs::remove_file(self.path(number));
        }
    }

    /// The oldest record, which stays until [`Self::taken`].
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn first(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(&(number, bytes)) = self.segments.front() {
            if self.segments.len() == 1 {
                // What is read is written no more.
                self.writing = None;
            }
            let (reader, _) = match &mut self.reading {
                Some(reading) => reading,
                empty => empty.insert((
                    BufReader::new(File::open(self.folder.join(format!("{number:012}.spill")))?),
                    0,
                )),
            };
            let start = reader.stream_position()?;
            if let Some(record) = read_record(reader)? {
                let end = reader.stream_position()?;
                reader.seek(SeekFrom::Start(start))?;
                self.reading.as_mut().expect("it is being read").1 = end - start;
                return Ok(Some(record));
            }
            self.torn_bytes += bytes.saturating_sub(start);
            self.finish_oldest()?;
        }
        Ok(None)
    }

    /// Forgets the record that [`Self::first`] gave: it is in the database.
    ///
    /// # Errors
    /// When a segment that is done cannot be deleted.
    pub fn taken(&mut self) -> io::Result<()> {
        let Some((reader, length)) = &mut self.reading else {
            return Ok(());
        };
        let length = std::mem::take(length);
        let position = reader.seek(SeekFrom::Current(i64::try_from(length).unwrap_or(0)))?;
        if self.segments.front().is_some_and(|(_, bytes)| position >= *bytes) {
            self.finish_oldest()?;
        }
        Ok(())
    }

    fn finish_oldest(&mut self) -> io::Result<()> {
        self.reading = None;
        if let Some((number, _)) = self.segments.pop_front() {
            std::fs::remove_file(self.path(number))?;
        }
        Ok(())
    }
}

/// The next record; `None` at the end, also at one that is not whole.
fn read_record(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    if !fill(reader, &mut head)? {
        return Ok(None);
    }
    let [a, b, c, d, sum @ ..] = head;
    let (length, sum) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(sum));
    if length > RECORD_BYTES_MAX {
        return Ok(None);
    }
    let mut record = vec![0; usize::try_from(length).unwrap_or(0)];
    let is_whole = fill(reader, &mut record)? && crc32fast::hash(&record) == sum;
    Ok(is_whole.then_some(record))
}

/// Fills the buffer; `false` when the file ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn next(spill: &mut Spill) -> Option<Vec<u8>> {
        let record = spill.first().unwrap();
        spill.taken().unwrap();
        record
    }

    #[test]
    fn records_come_back_in_order_and_after_a_crash() {
        let folder = Folder::new("spill");
        let mut spill = Spill::open(&folder.0).unwrap();
        for number in 0..5u8 {
            spill.append(&[number; 3]).unwrap();
        }
        assert_eq!(next(&mut spill), Some(vec![0; 3]));
        spill.append(&[9]).unwrap();
        // A crash: what was not taken comes again, from the start of its segment.
        let mut spill = Spill::open(&folder.0).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut spill)).map(|of| of[0]).collect();
        assert_eq!(all, [0, 1, 2, 3, 4, 9]);
        assert!(spill.is_empty() && spill.bytes() == 0);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    }

    #[test]
    fn a_torn_record_is_passed_over_and_the_next_segment_read() {
        let folder = Folder::new("torn");
        let mut spill = Spill::open(&folder.0).unwrap();
        spill.append(b"whole").unwrap();
        spill.append(b"torn").unwrap();
        drop(spill);
        let path = folder.file("000000000000.spill");
        let length = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let mut spill = Spill::open(&folder.0).unwrap();
        spill.append(b"later").unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut spill)).collect();
        assert_eq!(all, [b"whole".to_vec(), b"later".to_vec()]);
        assert_eq!(spill.torn_bytes(), 11);
    }
}
