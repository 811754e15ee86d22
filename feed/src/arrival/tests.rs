use paperwire_core::time::Rfc3339;

use super::*;

const EPOCH: i64 = 1_762_160_400_000_000_000;
/// Between the two clocks, and of the shortest way together.
const OFFSET_MS: u64 = 5;

const fn host(ms: u64) -> HostNs {
    HostNs::new(ms * 1_000_000)
}

fn sent(ms: u64) -> ExchNs {
    ExchNs::new(EPOCH + i64::try_from(ms).unwrap() * 1_000_000)
}

/// A book message that the exchange sent at this millisecond.
fn frame(ms: u64) -> Vec<u8> {
    let at = Rfc3339 { at: sent(ms), fraction: 6 };
    format!(r#"{{"channel":"book","type":"update","data":[{{"checksum":1,"timestamp":"{at}"}}]}}"#)
        .into_bytes()
}

/// A read of so many bytes since the last empty poll.
fn read(empty_at: u64, read_at: u64, taken: usize) -> ReadStamps {
    ReadStamps { kernel: None, read_at: host(read_at), empty_at: host(empty_at), taken }
}

struct Feed(Arrivals);

impl Feed {
    /// One that heard a frame each millisecond up to the hundredth.
    fn new(has_exchange_time: bool) -> Self {
        let mut feed = Self(Arrivals::new(has_exchange_time));
        for ms in 0..=100 - OFFSET_MS {
            let at = ms + OFFSET_MS;
            assert_eq!(feed.place(&read(at, at, 200), Some(at), ms), (at, false));
        }
        feed
    }

    /// Milliseconds from which a frame counts, and whether that is the earlier end.
    fn place(&mut self, stamps: &ReadStamps, kernel: Option<u64>, ms: u64) -> (u64, bool) {
        self.place_text(stamps, kernel, &frame(ms), Some(ms))
    }

    fn place_text(
        &mut self,
        stamps: &ReadStamps,
        kernel: Option<u64>,
        text: &[u8],
        learn: Option<u64>,
    ) -> (u64, bool) {
        let arrival = self.0.place(stamps, kernel.map(host), text);
        assert!(arrival.earliest <= arrival.latest && arrival.latest <= stamps.read_at);
        if let Some(ms) = learn {
            self.0.learn(stamps, sent(ms), arrival.latest);
        }
        (arrival.counted().raw() / 1_000_000, arrival.is_bounded)
    }
}

#[test]
fn after_a_stall_each_frame_counts_from_the_exchanges_time_in_it() {
    let mut feed = Feed::new(true);
    // Nothing was read from 100 to 532; the kernel has one time for all that came.
    let stalled = read(100, 532, 8_000);
    for ms in 95..527 {
        let from = ms + OFFSET_MS;
        assert_eq!(feed.place(&stalled, Some(531), ms), (from, true), "sent at {ms}");
    }
    let counts = *feed.0.counts();
    assert_eq!((counts.bounded, counts.by_exchange, counts.unstamped), (432, 432, 0));
    assert_eq!(counts.widest, DurationNs::from_millis(431));
    let stall = Stall { from: host(100), to: host(532), frames: 432 };
    assert_eq!((feed.0.take_stall(), feed.0.take_stall()), (Some(stall), None));
    // The late times of the stall taught nothing; the next frame is the kernel's again.
    assert_eq!(feed.place(&read(532, 533, 200), Some(533), 528), (533, false));
    assert_eq!(feed.place(&read(533, 700, 200), Some(700), 600), (605, true));
}

#[test]
fn the_last_empty_poll_bounds_what_the_exchange_sent_before_it() {
    let mut feed = Feed::new(true);
    // Late on the wire or at the exchange: no fault of this process.
    assert_eq!(feed.place(&read(200, 201, 200), Some(201), 20), (201, false));
    assert_eq!(feed.place(&read(300, 350, 200), Some(350), 20), (300, true));
    // A time of the future bounds nothing, and a kernel's time outside of the two reads is none.
    assert_eq!(feed.place(&read(400, 450, 200), Some(440), 90_000), (440, true));
    assert_eq!(feed.place(&read(500, 501, 200), Some(90_000), 20), (501, false));
    assert_eq!(feed.place(&read(600, 601, 200), Some(1), 20), (600, false));
}

#[test]
fn a_missing_kernel_time_is_never_the_time_of_the_read() {
    for (has_exchange_time, wanted) in [(true, 445), (false, 400)] {
        let mut feed = Feed::new(has_exchange_time);
        assert_eq!(feed.place(&read(400, 450, 200), None, 440), (wanted, true));
        assert_eq!(feed.place(&read(460, 461, 200), None, 450), (460, true));
        assert_eq!(feed.0.counts().unstamped, 2);
    }
}

#[test]
fn what_waited_at_the_sender_counts_from_the_exchanges_time_until_its_lag_is_gone() {
    let mut feed = Feed::new(true);
    let much = BACKLOG_BYTES_MIN;
    assert_eq!(feed.place(&read(100, 600, much), Some(400), 300), (305, true));
    // The kernel was emptied twice since; what comes now had waited at the sender.
    assert_eq!(feed.place(&read(601, 601, 200), Some(601), 420), (425, true));
    assert_eq!(feed.place(&read(602, 602, 200), Some(602), 560), (565, true));
    // A damaged time does not count from before the stall, one without a time from the frame before it.
    assert_eq!(feed.place(&read(603, 603, 200), Some(603), 2), (100, true));
    assert_eq!(feed.place(&read(604, 604, 200), Some(604), 570), (575, true));
    let heartbeat = br#"{"channel":"heartbeat"}"#;
    assert_eq!(feed.place_text(&read(604, 610, 200), Some(610), heartbeat, None), (604, true));
    // The lag is back at its minimum.
    assert_eq!(feed.place(&read(612, 612, 200), Some(612), 607), (612, false));
    assert_eq!(feed.place(&read(620, 620, 200), Some(620), 420), (620, false));
}

#[test]
fn little_in_the_kernel_means_that_nothing_waited_at_the_sender() {
    let mut feed = Feed::new(true);
    assert_eq!(feed.place(&read(100, 600, BACKLOG_BYTES_MIN - 1), Some(400), 300), (305, true));
    assert_eq!(feed.place(&read(601, 601, 200), Some(601), 420), (601, false));
    // Where the exchange's clock is no bound nothing is known of the sender.
    let mut other = Feed::new(false);
    assert_eq!(other.place(&read(100, 600, BACKLOG_BYTES_MIN), Some(400), 300), (100, true));
    assert_eq!(other.place(&read(601, 601, 200), Some(601), 420), (601, false));
}

#[test]
fn a_stall_longer_than_the_memory_of_the_offset_is_bounded_by_it_all_the_same() {
    let mut feed = Feed::new(true);
    let stalled = read(100, 90_100, 20_000);
    for ms in (100..90_000).step_by(1_000) {
        assert_eq!(feed.place(&stalled, Some(90_090), ms), (ms + OFFSET_MS, true));
    }
    // Another connection has another way, which is not known yet.
    feed.0.on_connected();
    assert_eq!(feed.place(&read(90_200, 90_300, 200), Some(90_300), 90_250), (90_200, true));
}

#[test]
fn a_frame_without_a_time_comes_after_those_before_it() {
    let mut feed = Feed::new(true);
    let stalled = read(100, 600, 8_000);
    assert_eq!(feed.place_text(&stalled, Some(600), b"{}", None), (100, true));
    assert_eq!(feed.place(&stalled, Some(600), 400), (405, true));
    assert_eq!(feed.place_text(&stalled, Some(600), b"{}", None), (405, true));
    // The end of a bar is no time of sending.
    let at = Rfc3339 { at: sent(500), fraction: 6 };
    let bar = format!(r#"{{"channel":"ohlc","data":[{{"timestamp":"{at}"}}]}}"#);
    assert_eq!(feed.place_text(&stalled, Some(600), bar.as_bytes(), None), (405, true));
}

#[test]
fn both_ends_are_read_back_from_a_record() {
    let arrival = Arrival { earliest: host(3), latest: host(7), is_bounded: true };
    let payload = arrival.encode();
    assert_eq!(Arrival::decode(&payload), Some(arrival));
    for cut in 0..payload.len() {
        assert_eq!(Arrival::decode(&payload[..cut]), None);
    }
    let reversed = Arrival { earliest: host(7), latest: host(3), ..arrival };
    assert_eq!(Arrival::decode(&reversed.encode()), None);
}
