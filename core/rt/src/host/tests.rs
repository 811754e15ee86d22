use super::*;
use std::os::fd::AsFd;

#[test]
fn the_kernel_answers_or_says_why_not() {
    if let Ok(sync) = clock_sync() {
        assert!(sync.error_estimate.raw() < u64::MAX);
    }
    assert!(free_bytes(Path::new("/")).unwrap() > 0);
    assert!(free_bytes(Path::new("/no/such/folder")).is_err());
    assert!(free_bytes(Path::new("a\0b")).is_err());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    if let Err(error) = busy_poll(socket.as_fd(), DurationNs::from_micros(50)) {
        assert!(error.raw_os_error().is_some(), "{error}");
    }
}

#[test]
fn touching_new_memory_shows_as_faults_of_this_thread() {
    let before = thread_usage().unwrap();
    let touched = vec![1u8; 8 << 20];
    let after = thread_usage().unwrap().since(before);
    assert!(after.minor_faults > 0, "{after:?}, {}", touched.len());
}

#[test]
fn a_file_is_no_screen() {
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(columns(file.as_fd()), None);
}

#[test]
fn locked_memory_is_there_before_it_is_touched() {
    let locked = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    match lock_memory() {
        Ok(()) => {
            let before = locked();
            let pages = vec![1u8; 8 << 20];
            assert!(before > 0 && locked() >= before + 8_000, "{} bytes are mine", pages.len());
        }
        Err(error) => {
            eprintln!("SKIPPED: {error}");
            assert!(!may_lock_all().unwrap_or(false), "{error}");
        }
    }
}
