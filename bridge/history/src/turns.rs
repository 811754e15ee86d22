//! A long range read by two readers in turns: while one fetches its piece the other one does too.
//!
//! A connection hands out its rows on one core, and that is what reading bars waits for. Five pieces are in
//! memory at most: one that is passed on, and two of each reader.

use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;

use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;

use crate::model::{Candle, MINUTE_NS, Span};
use crate::store::{Each, StoreError};

/// Bars of one piece when none lacks: 1.7 MB.
const PIECE_STEPS: i64 = 1 << 14;
/// Below so many pieces a second reader costs more than it gives.
const PIECES_MIN: i64 = 4;

/// Bars of one piece, oldest first.
pub(crate) type Reader<'a> = &'a mut (dyn FnMut(Span) -> Result<Vec<Candle>, StoreError> + Send);

/// False where one reader does it as well.
pub(crate) fn is_long(timeframe: Timeframe, span: Span, limit: usize) -> bool {
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
    span.steps(timeframe).min(wanted) >= PIECE_STEPS * PIECES_MIN
}

/// The pieces of a long range; none of another one.
pub(crate) fn pieces(timeframe: Timeframe, span: Span, limit: usize) -> Vec<Span> {
    if !is_long(timeframe, span, limit) {
        return Vec::new();
    }
    let length = PIECE_STEPS * timeframe.minutes() * MINUTE_NS;
    let starts = std::iter::successors(Some(span.from.raw()), |from| from.checked_add(length));
    let starts = starts.take_while(|from| *from < span.to.raw());
    let piece = |from: i64| {
        let to = ExchNs::new(from.saturating_add(length)).min(span.to);
        Span::new(ExchNs::new(from), to)
    };
    starts.map(piece).collect()
}

/// Passes on the bars of all pieces in their order, until there is enough.
pub(crate) fn read(
    pieces: &[Span],
    readers: [Reader<'_>; 2],
    limit: usize,
    each: Each<'_, Candle>,
) -> Result<(), StoreError> {
    std::thread::scope(|threads| {
        let mut turn = 0;
        let answers = readers.map(|read| {
            let mine = pieces.iter().skip(turn).step_by(2);
            turn += 1;
            let (to, from) = sync_channel(1);
            threads.spawn(move || {
                for piece in mine {
                    let rows = read(*piece);
                    let is_last = rows.is_err();
                    // Nobody takes them once there is enough.
                    if to.send(rows).is_err() || is_last {
                        break;
                    }
                }
            });
            from
        });
        let mut left = limit;
        for from in answers.iter().cycle().take(pieces.len()) {
            let rows = from.recv().expect("a reader answers for each of its pieces")?;
            for row in rows {
                left = left.saturating_sub(1);
                if each(row) == ControlFlow::Break(()) || left == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Source;
    use crate::testing::{M1, candle, minute};

    const LONG: Span = Span::new(minute(3), minute(6 * PIECE_STEPS));

    fn bars(span: Span) -> Vec<Candle> {
        let first = span.from.raw() / MINUTE_NS;
        // One of a thousand is enough to see the order.
        (first..span.to.raw() / MINUTE_NS).step_by(1000).map(|at| candle(at, Source::Ws)).collect()
    }

    #[test]
    fn pieces_cover_a_long_range_once_and_a_short_one_has_none() {
        let pieces = pieces(M1, LONG, usize::MAX);
        assert_eq!((pieces.len(), pieces[0].from, pieces[5].to), (6, LONG.from, LONG.to));
        assert!(pieces.windows(2).all(|two| two[0].to == two[1].from));
        let few = super::pieces(M1, LONG, 10_000);
        assert_eq!(few, []);
        assert_eq!(super::pieces(M1, Span::new(minute(0), minute(5000)), usize::MAX), []);
        assert_eq!(super::pieces(M1, Span::new(LONG.to, LONG.from), usize::MAX), []);
    }

    #[test]
    fn rows_come_in_order_until_there_is_enough_or_a_reader_fails() {
        let pieces = pieces(M1, LONG, usize::MAX);
        let all: Vec<Candle> = pieces.iter().flat_map(|piece| bars(*piece)).collect();
        let given = |limit: usize, breaks_at: usize, fails_in: Span| {
            let mut reader = [(); 2].map(|()| {
                move |piece| match piece == fails_in {
                    true => Err(StoreError::Unknown("gone".to_owned())),
                    false => Ok(bars(piece)),
                }
            });
            let [first, second] = &mut reader;
            let mut rows = Vec::new();
            let done = read(&pieces, [first, second], limit, &mut |row| {
                rows.push(row);
                if rows.len() == breaks_at {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            (done.is_ok(), rows)
        };
        let never = Span::ALL;
        assert_eq!(given(usize::MAX, 0, never), (true, all.clone()));
        assert_eq!(given(20, 0, never), (true, all[..20].to_vec()));
        assert_eq!(given(usize::MAX, 40, never), (true, all[..40].to_vec()));
        let before = bars(pieces[0]).len() + bars(pieces[1]).len();
        assert_eq!(given(usize::MAX, 0, pieces[2]), (false, all[..before].to_vec()));
    }
}
