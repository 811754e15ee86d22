//! Whatever stands in a file, reading it as a tape ends, does not panic, and gives no wrong record.
//!
//! The first byte picks how deep the input goes in, as checksums would stop nearly all of it at the
//! first gate: as a whole file, behind a good header, as the raw records of a good block, or as a
//! recording of its own that is then cut and damaged.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;
use paperwire_tape::format::{BLOCK_MAGIC, BLOCK_RAW_MAX, MAGIC};
use paperwire_tape::{TapeEnd, TapeReader, TapeWriter};

type Owned = (u64, Vec<u8>);

fuzz_target!(|input: &[u8]| {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    match mode % 4 {
        0 => {
            read(rest);
        }
        1 => {
            read(&[&header(b"{}"), rest].concat());
        }
        2 => {
            read(&[header(b""), block(rest)].concat());
        }
        _ => damaged_recording(rest),
    }
});

/// Everything that can be had of a file, and how it ended; `None` when it was refused.
fn read(file: &[u8]) -> Option<(Vec<Owned>, Option<TapeEnd>)> {
    let mut reader = TapeReader::new(Cursor::new(file), "fuzz".to_owned()).ok()?;
    let first = drain(&mut reader);
    reader.rewind().expect("memory is always there");
    assert_eq!(first, drain(&mut reader), "a second reading gives the same");
    if reader.seek(HostNs::new(1 << 32)).is_ok() {
        drain(&mut reader);
    }
    Some(first)
}

fn drain(reader: &mut TapeReader<Cursor<&[u8]>>) -> (Vec<Owned>, Option<TapeEnd>) {
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => {
                assert!(record.payload.len() <= BLOCK_RAW_MAX);
                records.push((record.rx.raw(), record.payload.to_vec()));
            }
            Ok(None) => return (records, Some(reader.end())),
            Err(_) => return (records, None),
        }
    }
}

/// Records a session of the input's choosing, damages it, and checks what is read back.
fn damaged_recording(plan: &[u8]) {
    let [at_low, at_high, mask, cut, chunks @ ..] = plan else {
        return;
    };
    let mut recorded = Vec::new();
    let mut writer = TapeWriter::new(Vec::new(), "fuzz".to_owned(), b"{}").expect("memory");
    for chunk in chunks.chunks(9) {
        let rx = chunk.iter().fold(0, |rx, &byte| (rx << 7) ^ u64::from(byte));
        writer.append(RawKind::Frame, HostNs::new(rx), chunk).expect("memory");
        recorded.push((rx, chunk.to_vec()));
        if chunk[0] % 4 == 0 {
            writer.flush_block().expect("memory");
        }
    }
    let mut file = writer.finish(b"summary").expect("memory");
    assert_eq!(read(&file), Some((recorded.clone(), Some(TapeEnd::Clean))));

    file.truncate(file.len() - usize::from(*cut).min(file.len()));
    if !file.is_empty() {
        let at = usize::from(u16::from_le_bytes([*at_low, *at_high])) % file.len();
        file[at] ^= mask;
    }
    let Some((records, end)) = read(&file) else {
        return;
    };
    assert!(recorded.starts_with(&records), "a damaged tape gave a record that was not recorded");
    if end == Some(TapeEnd::Clean) {
        assert_eq!(records, recorded, "a tape that lost records calls itself clean");
    }
}

fn header(meta: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&len(meta));
    out.extend_from_slice(&crc32fast::hash(meta).to_le_bytes());
    out.extend_from_slice(meta);
    out
}

/// A block whose checksum holds; the first byte is its number of records, the rest its raw bytes.
fn block(input: &[u8]) -> Vec<u8> {
    let Some((&records, raw)) = input.split_first() else {
        return Vec::new();
    };
    let packed = zstd::bulk::compress(raw, 1).expect("memory");
    let mut out = BLOCK_MAGIC.to_vec();
    out.extend_from_slice(&len(&packed));
    out.extend_from_slice(&len(raw));
    out.extend_from_slice(&u32::from(records).to_le_bytes());
    out.extend_from_slice(&7u64.to_le_bytes());
    out.extend_from_slice(&9u64.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&out);
    crc.update(&packed);
    out.extend_from_slice(&crc.finalize().to_le_bytes());
    out.extend_from_slice(&packed);
    out
}

fn len(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("inputs are small").to_le_bytes()
}
