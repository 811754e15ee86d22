use super::*;

/// First outputs of the authors' C code from the state 1, 2, 3, 4.
#[test]
fn xoshiro_agrees_with_its_reference() {
    let mut rng = Rng { state: [1, 2, 3, 4] };
    for want in [
        41_943_041,
        58_720_359,
        3_588_806_011_781_223,
        3_591_011_842_654_386,
        9_228_616_714_210_784_205,
        9_973_669_472_204_895_162,
        14_011_001_112_246_962_877,
        12_406_186_145_184_390_807,
        15_849_039_046_786_891_736,
        10_450_023_813_501_588_000,
    ] {
        assert_eq!(rng.next_u64(), want);
    }
}

#[test]
fn split_mix_agrees_with_its_reference() {
    let mut seed = 1_234_567;
    for want in [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ] {
        assert_eq!(split_mix(&mut seed), want);
    }
}

#[test]
fn logarithm_and_exponential_agree_with_the_platform() {
    let mut rng = Rng::new(7);
    for _ in 0..10_000 {
        let x = 1380.0 * (rng.unit() - 0.5);
        assert!((exp(x) / x.exp() - 1.0).abs() < 2e-13, "exp {x}");
        let y = x.exp();
        assert!((ln(y) - x).abs() <= x.abs() * 1e-15 + 1e-15, "ln {y}");
    }
    assert_eq!(exp(0.0).to_bits(), 1.0f64.to_bits());
    assert_eq!(ln(1.0).to_bits(), 0.0f64.to_bits());
    assert!(exp(1e9).is_finite());
}

#[test]
fn draws_have_their_moments() {
    let mut rng = Rng::new(1);
    let n = 100_000;
    let mean = |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
    assert!((mean(&mut || rng.unit()) - 0.5).abs() < 0.005);
    assert!(mean(&mut || rng.gaussian()).abs() < 0.015);
    assert!((mean(&mut || rng.gaussian().powi(2)) - 1.0).abs() < 0.02);
    assert!(mean(&mut || rng.gaussian().powi(3)).abs() < 0.05);
    assert!((mean(&mut || rng.gaussian().powi(4)) - 3.0).abs() < 0.15);
    assert!((0..n).map(|_| rng.unit()).all(|u| (0.0..1.0).contains(&u)));
    assert!((mean(&mut || rng.exponential(3.0)) - 3.0).abs() < 0.1);
    assert!((0..n).map(|_| rng.below(7)).all(|i| i < 7));
}
