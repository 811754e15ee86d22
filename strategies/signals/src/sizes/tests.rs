use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn counts_equal_a_recount_of_the_window(sizes in prop::collection::vec(1i64..1_000_000, 1..300), window in 1usize..120) {
        let mut sketch = SizeSketch::new(window);
        for (i, size) in sizes.iter().enumerate() {
            sketch.push(Qty::new(*size));
            let from = (i + 1).saturating_sub(window);
            let mut counts = [0u32; SLOTS];
            for size in &sizes[from..=i] {
                counts[usize::from(slot(Qty::new(*size)))] += 1;
            }
            let want = (i + 1 >= window).then(|| f64::from(*counts.iter().max().unwrap()) / window as f64);
            prop_assert_eq!(sketch.top_share(), want);
        }
    }
}

#[test]
fn equal_sizes_stand_out_and_varied_ones_do_not() {
    let mut sketch = SizeSketch::new(100);
    for i in 0..100 {
        sketch.push(Qty::new(if i % 2 == 0 { 50_000 } else { 1_000 + 137 * i }));
    }
    assert!(sketch.top_share().unwrap() >= 0.5);
    for i in 0..100 {
        sketch.push(Qty::new(1_000 + 137 * i));
    }
    assert!(sketch.top_share().unwrap() < 0.15);
}
