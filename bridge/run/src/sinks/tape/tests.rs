use paperwire_core::raw::raw_ring;
use paperwire_core::time::HostNs;
use paperwire_tape::Source;

use super::*;

fn path(name: &str) -> PathBuf {
    let file = format!("paperwire-recorder-{name}-{}.tape", std::process::id());
    let path = std::env::temp_dir().join(file);
    let _ = std::fs::remove_file(&path);
    path
}

fn frames(path: &Path) -> Vec<Vec<u8>> {
    let mut source = Source::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = source.next().unwrap() {
        frames.push(record.payload.to_vec());
    }
    frames
}

#[test]
fn a_start_that_fails_leaves_no_recording() {
    let path = path("failed");
    let (raw, consumer) = raw_ring();
    let recorder = RecorderThread::start(&path, b"{}", consumer, HostClock::new()).unwrap();
    assert!(path.exists());
    drop((recorder, raw));
    assert!(!path.exists());
}

#[test]
fn a_tape_that_is_deleted_under_the_session_is_whole_in_the_end() {
    let path = path("deleted");
    let (mut raw, consumer) = raw_ring();
    let mut recorder = RecorderThread::start(&path, b"{}", consumer, HostClock::new()).unwrap();
    recorder.keep();
    let notices = recorder.notices.clone();
    raw.push(RawKind::Frame, HostNs::new(1), b"one");
    std::fs::remove_file(&path).unwrap();
    let told = notices.recv().unwrap();
    assert!(told.contains("was deleted; it is written again"), "{told}");
    raw.push(RawKind::Frame, HostNs::new(2), b"two");
    drop(raw);
    let recording = recorder.finish(b"{}".to_vec());
    assert_eq!((recording.records, recording.lost, recording.problem), (2, 0, None));
    assert_eq!(frames(&path), [b"one".to_vec(), b"two".to_vec()]);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_tape_that_somebody_cuts_ends_and_says_so() {
    let path = path("cut");
    let (mut raw, consumer) = raw_ring();
    let mut recorder = RecorderThread::start(&path, b"{}", consumer, HostClock::new()).unwrap();
    recorder.keep();
    let notices = recorder.notices.clone();
    raw.push(RawKind::Frame, HostNs::new(1), b"one");
    let clock = HostClock::new();
    let deadline = clock.now().plus(DurationNs::from_secs(20));
    let header = std::fs::metadata(&path).unwrap().len();
    while std::fs::metadata(&path).unwrap().len() == header {
        assert!(clock.now() < deadline, "the block never came");
        Wait::Doze.wait();
    }
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(20).unwrap();
    let told = notices.recv().unwrap();
    assert!(told.contains("cut"), "{told}");
    drop(raw);
    assert!(recorder.finish(b"{}".to_vec()).problem.is_some());
    std::fs::remove_file(path).unwrap();
}
