use std::io::{self, Cursor, Write};

use proptest::prelude::*;

use super::*;

type Owned = (RawKind, u64, Vec<u8>);

fn write(records: &[Owned], flush_every: usize, finish: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = TapeWriter::new(&mut out, "t".to_owned(), b"meta").unwrap();
    for (index, (kind, rx, payload)) in records.iter().enumerate() {
        writer.append(*kind, HostNs::new(*rx), payload).unwrap();
        if index % flush_every == flush_every - 1 {
            writer.flush_block().unwrap();
        }
    }
    if finish {
        writer.finish(b"summary").unwrap();
    } else {
        writer.flush_block().unwrap();
    }
    out
}

fn read(bytes: &[u8]) -> Result<(Vec<Owned>, TapeEnd), TapeError> {
    let mut reader = TapeReader::new(Cursor::new(bytes), "t".to_owned())?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push((record.kind, record.rx.raw(), record.payload.to_vec()));
    }
    Ok((records, reader.end()))
}

fn some(count: u64) -> Vec<Owned> {
    let kind = |i| {
        if i % 7 == 3 { RawKind::Control } else { RawKind::Frame }
    };
    (0..count).map(|i| (kind(i), 1_000 * i, format!("frame number {i}").into_bytes())).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        records in prop::collection::vec((0u64..u64::MAX, prop::collection::vec(any::<u8>(), 0..300)), 0..200),
        flush_every in 1usize..50,
        finish in any::<bool>(),
    ) {
        let records: Vec<Owned> =
            records.into_iter().map(|(rx, payload)| (RawKind::Frame, rx, payload)).collect();
        let (read, end) = read(&write(&records, flush_every, finish)).unwrap();
        prop_assert_eq!(read, records);
        prop_assert_eq!(end == TapeEnd::Clean, finish);
    }
}

#[test]
fn a_tape_cut_at_any_byte_gives_its_whole_blocks_and_names_the_loss() {
    let records = some(40);
    let whole = write(&records, 10, true);
    let header = format::HEADER_LEN + 4;
    for cut in header..whole.len() {
        let (read, end) = read(&whole[..cut]).unwrap();
        assert_eq!(read.len() % 10, 0, "cut at {cut}: only whole blocks");
        assert_eq!(read, records[..read.len()]);
        let TapeEnd::Truncated { bytes_lost } = end else { panic!("cut at {cut}: {end:?}") };
        assert!(bytes_lost < whole.len() as u64, "cut at {cut}");
    }
    for cut in 0..header {
        assert!(matches!(read(&whole[..cut]), Err(TapeError::Format { .. })), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_is_never_a_wrong_record() {
    let records = some(40);
    let whole = write(&records, 10, true);
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = whole.clone();
            damaged[at] ^= bit;
            let Ok(mut reader) = TapeReader::new(Cursor::new(&damaged), "t".to_owned()) else {
                continue;
            };
            let mut count = 0;
            while let Ok(Some(record)) = reader.next() {
                let expected = &records[count];
                assert_eq!((record.rx.raw(), record.payload), (expected.1, expected.2.as_slice()));
                count += 1;
            }
        }
    }
}

#[test]
fn seeking_gives_the_same_records_as_scanning() {
    let records = some(200);
    let whole = write(&records, 10, true);
    for target in [0, 1, 50_500, 100_000, 199_000, u64::MAX] {
        let mut reader = TapeReader::new(Cursor::new(&whole), "t".to_owned()).unwrap();
        reader.seek(HostNs::new(target)).unwrap();
        let mut found = None;
        while let Some(record) = reader.next().unwrap() {
            if record.rx.raw() >= target {
                found = Some(record.rx.raw());
                break;
            }
        }
        let scanned = records.iter().map(|r| r.1).find(|&rx| rx >= target);
        assert_eq!(found, scanned, "from {target}");
    }
}

/// A disk that is full after some bytes.
struct Full(usize, Vec<u8>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.0).min(100);
        self.0 -= taken;
        self.1.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_named_and_what_was_written_stays_readable() {
    let mut disk = Full(2_000, Vec::new());
    let mut writer = TapeWriter::new(&mut disk, "disk.tape".to_owned(), b"m").unwrap();
    let mut failure = None;
    for (index, (kind, rx, payload)) in some(10_000).into_iter().enumerate() {
        writer.append(kind, HostNs::new(rx), &payload).unwrap();
        if index % 20 == 19
            && let Err(error) = writer.flush_block()
        {
            failure = Some(error.to_string());
            break;
        }
    }
    writer.append(RawKind::Frame, HostNs::new(1), b"late").unwrap();
    assert!(writer.finish(b"").is_err(), "after a failed write nothing more is written");
    let message = failure.expect("two thousand bytes are not enough");
    assert!(message.contains("disk.tape") && message.contains("free some space"), "{message}");
    let (records, end) = read(&disk.1).unwrap();
    assert!(!records.is_empty() && records.len() % 20 == 0);
    assert!(matches!(end, TapeEnd::Truncated { .. }));
}

#[test]
fn a_bad_line_of_a_capture_is_named() {
    let mut lines = tsv::TsvReader::new(b"12\t{}\n\nx\t{}\n".to_vec(), "c.tsv".to_owned());
    assert_eq!(lines.next().unwrap().unwrap().payload, b"{}");
    let error = lines.next().unwrap_err().to_string();
    assert!(error.starts_with("c.tsv line 3: the time is not a number"), "{error}");
}
