//! What the database cannot take now, on the disk: segments of checksummed records, read back in order.
//!
//! A record is its length and CRC-32, both little-endian, and its bytes; it is synced before `append`
//! returns. A segment is deleted when its last record was taken, so a crash repeats records and loses none.
//! Each run has a folder of its own, locked as long as it lives: no run takes what another still needs.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use paperwire_rt::owner::try_own;
use paperwire_rt::runner::Wait;

/// A segment that is longer is not continued.
const SEGMENT_BYTES: u64 = 8 << 20;
/// No record is longer; a longer one was never written whole.
const RECORD_BYTES_MAX: u32 = 256 << 20;
const HEAD: usize = 8;
/// How the folder of a run is called, before its process and a number.
const RUN: &str = "run-";
/// Milliseconds that another run's start is waited for.
const GATE_WAITS_MAX: u32 = 5000;

/// A queue of records in a folder that this process alone has.
#[derive(Debug)]
pub struct Spill {
    /// Folder of our own, below the one that all runs share.
    folder: PathBuf,
    /// Its lock, which ends with this process.
    owner: File,
    /// Numbers of the segments, oldest first, and their bytes.
    segments: VecDeque<(u64, u64)>,
    next_number: u64,
    /// The newest segment, while it is written.
    writing: Option<File>,
    /// The oldest segment, while it is read, and the length of the record that was looked at.
    reading: Option<(BufReader<File>, u64)>,
    /// Bytes that were no whole record.
    torn_bytes: u64,
    /// Bytes of segments that somebody deleted, and that nobody was told of yet.
    gone_bytes: u64,
}

impl Spill {
    /// Takes a folder of its own below `root`, and what runs that are no more have left there, which is
    /// read first. What a living run has spilled is left alone.
    ///
    /// # Errors
    /// When a folder cannot be read or created.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let gate = File::open(root)?;
        // Whoever opens holds it for some milliseconds.
        let mut waits = 0;
        while !try_own(&gate)? {
            waits += 1;
            if waits > GATE_WAITS_MAX {
                let why = "another run is starting and does not get on";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
            }
            Wait::Doze.wait();
        }
        let (folder, owner) = claim(root)?;
        let mut spill = Self {
            folder,
            owner,
            segments: VecDeque::new(),
            next_number: 0,
            writing: None,
            reading: None,
            torn_bytes: 0,
            gone_bytes: 0,
        };
        spill.adopt_all(root)?;
        Ok(spill)
    }

    fn adopt_all(&mut self, root: &Path) -> io::Result<()> {
        // Earlier versions had their segments in the shared folder itself.
        self.adopt(root)?;
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            let is_run = entry.file_name().to_str().is_some_and(|name| name.starts_with(RUN));
            if is_run && entry.path() != self.folder {
                folders.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        folders.sort_unstable();
        for (_, folder) in folders {
            let owner = File::open(&folder)?;
            if try_own(&owner)? {
                self.adopt(&folder)?;
                // Something that is not ours may be in it.
                let _ = std::fs::remove_dir(&folder);
            }
        }
        Ok(())
    }

    /// Moves the segments of a folder into our own.
    fn adopt(&mut self, from: &Path) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".spill"));
            if let Some(number) = number.and_then(|text| text.parse::<u64>().ok()) {
                found.push((number, entry.metadata()?.len(), entry.path()));
            }
        }
        found.sort_unstable();
        for (_, bytes, path) in found {
            std::fs::rename(path, self.path(self.next_number))?;
            self.segments.push_back((self.next_number, bytes));
            self.next_number += 1;
        }
        Ok(())
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

    /// Bytes that somebody deleted before they were taken; each is told once.
    pub const fn take_gone_bytes(&mut self) -> u64 {
        std::mem::replace(&mut self.gone_bytes, 0)
    }

    /// Adds a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing of it is there.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let length = u32::try_from(record.len()).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("a record of more than 256 MiB"))?;
        let is_full = self.segments.back().is_none_or(|(_, bytes)| *bytes >= SEGMENT_BYTES);
        self.bring_back()?;
        if self.writing.is_none() || is_full {
            let number = self.next_number;
            let file = self.create(number)?;
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

    /// Creates a segment; and the folder with its lock, when somebody deleted it.
    fn create(&mut self, number: u64) -> io::Result<File> {
        if !self.folder.is_dir() {
            std::fs::create_dir_all(&self.folder)?;
            self.owner = File::open(&self.folder)?;
            try_own(&self.owner)?;
        }
        OpenOptions::new().create_new(true).read(true).write(true).open(self.path(number))
    }

    /// Writes the newest segment again when somebody deleted it: it is still there to be read.
    fn bring_back(&mut self) -> io::Result<()> {
        let Some(mut deleted) = self.writing.take() else {
            return Ok(());
        };
        if deleted.metadata()?.nlink() > 0 {
            self.writing = Some(deleted);
            return Ok(());
        }
        let (number, _) = *self.segments.back().expect("a segment that is written is listed");
        let copied = self.create(number).and_then(|mut file| {
            deleted.seek(SeekFrom::Start(0))?;
            io::copy(&mut deleted, &mut file)?;
            file.sync_data()?;
            Ok(file)
        });
        match copied {
            Ok(file) => {
                self.writing = Some(file);
                Ok(())
            }
            Err(error) => {
                // What is deleted is still held, and tried again.
                let _ = std::fs::remove_file(self.path(number));
                self.writing = Some(deleted);
                Err(error)
            }
        }
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
            if self.segments.len() == 1 && self.reading.is_none() {
                self.bring_back()?;
                // What is read is written no more.
                self.writing = None;
            }
            let path = self.path(number);
            let (reader, _) = match &mut self.reading {
                Some(reading) => reading,
                empty => match File::open(path) {
                    Ok(file) => empty.insert((BufReader::new(file), 0)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.gone_bytes += bytes;
                        self.segments.pop_front();
                        continue;
                    }
                    Err(error) => return Err(error),
                },
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
        let Some((number, _)) = self.segments.pop_front() else {
            return Ok(());
        };
        match std::fs::remove_file(self.path(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Spill {
    /// A run that leaves nothing leaves no folder.
    fn drop(&mut self) {
        if self.segments.is_empty() {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// A new folder below `root`, and its lock.
fn claim(root: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0u32.. {
        let folder = root.join(format!("{RUN}{}-{number}", std::process::id()));
        match std::fs::create_dir(&folder) {
            Ok(()) => {
                let owner = File::open(&folder)?;
                try_own(&owner)?;
                return Ok((folder, owner));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("every number of a folder is taken"))
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
        drop(spill);
        let mut spill = Spill::open(&folder.0).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut spill)).map(|of| of[0]).collect();
        assert_eq!(all, [0, 1, 2, 3, 4, 9]);
        assert!(spill.is_empty() && spill.bytes() == 0);
        drop(spill);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    }

    /// The only segment of the only run.
    fn segment(root: &Path) -> PathBuf {
        let run = std::fs::read_dir(root).unwrap().next().unwrap().unwrap().path();
        std::fs::read_dir(run).unwrap().next().unwrap().unwrap().path()
    }

    #[test]
    fn a_run_never_takes_what_a_living_one_has_spilled() {
        let folder = Folder::new("owners");
        let mut first = Spill::open(&folder.0).unwrap();
        first.append(b"mine").unwrap();
        let mut second = Spill::open(&folder.0).unwrap();
        assert_eq!(next(&mut second), None);
        second.append(b"yours").unwrap();
        assert_eq!(next(&mut first), Some(b"mine".to_vec()));
        assert_eq!(next(&mut first), None);
        // The next run takes what a dead one left, and what an earlier version left in the shared folder.
        let mut third = Spill::open(&folder.0).unwrap();
        third.append(b"flat").unwrap();
        let flat = third.path(0);
        std::fs::rename(flat, folder.file("000000000007.spill")).unwrap();
        drop((second, third));
        let mut last = Spill::open(&folder.0).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut last)).collect();
        assert_eq!(all, [b"flat".to_vec(), b"yours".to_vec()]);
    }

    #[test]
    fn a_segment_that_somebody_deletes_is_written_again_while_it_is_open_and_counted_else() {
        let folder = Folder::new("gone");
        let mut spill = Spill::open(&folder.0).unwrap();
        spill.append(b"one").unwrap();
        std::fs::remove_dir_all(&folder.0).unwrap();
        spill.append(b"two").unwrap();
        assert_eq!(next(&mut spill), Some(b"one".to_vec()));
        assert_eq!((spill.take_gone_bytes(), next(&mut spill)), (0, Some(b"two".to_vec())));
        spill.append(b"three").unwrap();
        drop(spill);
        let mut spill = Spill::open(&folder.0).unwrap();
        std::fs::remove_file(segment(&folder.0)).unwrap();
        assert_eq!(next(&mut spill), None);
        assert_eq!((spill.take_gone_bytes(), spill.take_gone_bytes()), (8 + 5, 0));
    }

    #[test]
    fn a_torn_record_is_passed_over_and_the_next_segment_read() {
        let folder = Folder::new("torn");
        let mut spill = Spill::open(&folder.0).unwrap();
        spill.append(b"whole").unwrap();
        spill.append(b"torn").unwrap();
        drop(spill);
        let path = segment(&folder.0);
        let length = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let mut spill = Spill::open(&folder.0).unwrap();
        spill.append(b"later").unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut spill)).collect();
        assert_eq!(all, [b"whole".to_vec(), b"later".to_vec()]);
        assert_eq!(spill.torn_bytes(), 11);
    }
}
