use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, bars, check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(xs in prop::collection::vec(0i64..1_000_000_000_000, 1..150), period in 1usize..30) {
        let mut ratio = VolumeRatio::new(period);
        let got: Vec<_> = xs.iter().map(|x| ratio.push(Qty::new(*x))).collect();
        let want: Vec<_> = (0..xs.len())
            .map(|i| {
                let before = &xs[i.checked_sub(period)?..i];
                let mean = before.iter().sum::<i64>() as f64 / period as f64;
                (mean > 0.0).then(|| xs[i] as f64 / mean)
            })
            .collect();
        assert_all_close(&got, &want);
    }
}

#[test]
fn a_day_of_equal_minutes_is_their_sum() {
    let mut daily = DailyVolume::default();
    for _ in 0..29 {
        daily.push(Qty::new(7));
    }
    assert_eq!(daily.value(), None);
    for _ in 0..5000 {
        daily.push(Qty::new(7));
    }
    assert_close(daily.value(), 7.0 * 1440.0, 1e-9);
}

#[test]
fn half_of_a_change_is_learned_in_a_day() {
    let mut daily = DailyVolume::default();
    for _ in 0..20_000 {
        daily.push(Qty::new(0));
    }
    for _ in 0..1440 {
        daily.push(Qty::new(100));
    }
    assert_close(daily.value(), 50.0 * 1440.0, 1e-6);
}

proptest! {
    #[test]
    fn a_spike_equals_the_batch_formula(bars in random_bars(1..150), newest in 1usize..6, before in 1usize..30) {
        let mut spike = VolumeSpike::new(newest, before);
        check_bars(&bars, |bar| spike.push(Qty::new(bar.volume)), |bars| naive::volume_over(bars, newest, before));
    }
}

#[test]
fn golden() {
    let mut spike = VolumeSpike::new(3, 20);
    assert_close(last(|bar| spike.push(Qty::new(bar.volume))), 1.002_843_03, 1e-8);
    // The older formula has the bar itself in the mean.
    let volumes = naive::volumes(&bars());
    let with_itself = volumes[249] / naive::mean(&volumes[230..]);
    assert_close(Some(with_itself), 0.974_029_07, 1e-8);
    let mut ratio = VolumeRatio::new(20);
    let want = volumes[249] / naive::mean(&volumes[229..249]);
    assert_close(last(|bar| ratio.push(Qty::new(bar.volume))), want, 1e-12);
}

#[test]
fn after_a_long_silence_the_second_traded_bar_has_a_ratio() {
    let (mut ratio, mut spike) = (VolumeRatio::new(20), VolumeSpike::new(3, 20));
    for _ in 0..1000 {
        ratio.push(Qty::ZERO);
        spike.push(Qty::ZERO);
    }
    assert_eq!(ratio.push(Qty::new(5)), None);
    assert_eq!(ratio.push(Qty::new(5)), Some(20.0));
    let spikes = [5, 5, 5, 5].map(|lots| spike.push(Qty::new(lots)).is_some());
    assert_eq!(spikes, [false, false, false, true], "its newest three come first");
}
