use super::*;
use crate::golden::{assert_close, bars};

#[test]
fn golden() {
    let mut bollinger = Bollinger::new(20, 2.0);
    for bar in bars() {
        bollinger.push(bar.close);
    }
    let band = bollinger.value().unwrap();
    assert_close(Some(band.mid), 114.308_934_47, 1e-8);
    assert_close(Some(band.upper), 126.506_595_55, 1e-8);
    assert_close(Some(band.lower), 102.111_273_38, 1e-8);
    assert_close(bollinger.sigma(), 6.098_830_54, 1e-8);
}

#[test]
fn a_band_is_inside_only_when_both_edges_are() {
    let outer = Band::around(10.0, 2.0);
    assert!(Band::around(10.5, 1.0).is_inside(&outer));
    assert!(!Band::around(11.5, 1.0).is_inside(&outer));
    assert!(!outer.is_inside(&outer));
}
