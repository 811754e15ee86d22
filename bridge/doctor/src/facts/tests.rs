use super::*;

#[test]
fn the_disk_is_written_to_and_nothing_is_left() {
    let folder = std::env::temp_dir().join(format!("paperwire-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut disk = Disk {
        folder: folder.display().to_string(),
        symbols: 1,
        free_bytes: Ok(0),
        sync_count: 0,
        sync_worst: None,
    };
    disk.try_writes(&HostClock::new());
    assert!(disk.sync_count > 0);
    assert!(matches!(disk.sync_worst, Some(Ok(_))), "{disk:?}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
    disk.try_writes(&HostClock::new());
    assert!(matches!(disk.sync_worst, Some(Err(_))), "a folder that is gone");
}
