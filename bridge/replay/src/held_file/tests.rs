use super::*;

/// A folder of its own, and a file in a folder of it that has a line.
fn held(name: &str) -> (PathBuf, HeldFile) {
    let folder = std::env::temp_dir().join(format!("paperwire-held-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let mut file = HeldFile::create(&folder.join("logs/a.log")).unwrap();
    file.write_all(b"one\n").unwrap();
    (folder, file)
}

fn text(file: &HeldFile) -> String {
    fs::read_to_string(file.path()).unwrap()
}

#[test]
fn what_was_deleted_is_written_again_with_its_folder() {
    let (folder, mut file) = held("deleted");
    assert_eq!(file.look().unwrap(), None);
    fs::remove_dir_all(&folder).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(file.look().unwrap(), Some(Fate::Deleted));
    file.reopen(Fate::Deleted).unwrap();
    file.write_all(b"three\n").unwrap();
    assert_eq!(text(&file), "one\ntwo\nthree\n");
    assert_eq!((file.look().unwrap(), file.bytes()), (None, 14));
}

#[test]
fn what_was_moved_keeps_what_it_had_and_a_new_file_begins() {
    let (folder, mut file) = held("moved");
    let moved = folder.join("a.log.1");
    fs::rename(file.path(), &moved).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(file.look().unwrap(), Some(Fate::Moved));
    file.reopen(Fate::Moved).unwrap();
    file.write_all(b"three\n").unwrap();
    assert_eq!(fs::read_to_string(moved).unwrap(), "one\ntwo\n");
    assert_eq!(text(&file), "three\n");
}

#[test]
fn what_was_cut_is_counted_once() {
    let (_, mut file) = held("cut");
    fs::write(file.path(), "").unwrap();
    assert_eq!(file.look().unwrap(), Some(Fate::Cut(4)));
    file.write_all(b"two\n").unwrap();
    assert_eq!((file.look().unwrap(), text(&file).as_str()), (None, "two\n"));
}

#[test]
fn a_file_has_one_session() {
    let (_, file) = held("twice");
    let error = HeldFile::create(file.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    let empty = file.path().with_extension("empty");
    let _first = HeldFile::create(&empty).unwrap();
    assert!(HeldFile::create(&empty).is_err(), "it is empty, and somebody's");
}
