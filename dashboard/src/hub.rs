//! The newest snapshot in pieces, numbered, so that a listener gets what it lacks and nothing else.
//!
//! Pieces are made into JSON once, however many listen. A listener that is slow is not waited for: it skips what
//! came meanwhile, and what it gets next is the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::view::{Fill, Snapshot};

/// Fills that a listener may be behind before it gets everything again.
const FILLS_BEHIND_MAX: usize = 1024;

/// One piece: what it is of (`strategy/order_flow`, `session`), since which number it is so, and its JSON.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) seq: u64,
    pub(crate) json: Arc<str>,
}

/// Everything at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    /// Number of this instant; rises by one.
    pub(crate) seq: u64,
    /// The values that REST answers are made of.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) pieces: Arc<BTreeMap<String, Piece>>,
    /// Numbers since which pieces are gone; whoever has older ones gets everything again.
    pub(crate) removed_at: u64,
}

impl Board {
    /// What a listener that has everything up to `since` lacks, as the members of a JSON object; `wants` says of a
    /// topic whether it is to be included.
    pub(crate) fn since(&self, since: u64, wants: impl Fn(&str) -> bool) -> String {
        let mut out = String::from("{");
        for (key, piece) in self.pieces.iter() {
            let topic = key.split('/').next().unwrap_or(key);
            if piece.seq > since && wants(topic) {
                if out.len() > 1 {
                    out.push(',');
                }
                // Keys hold names of strategies, which may be anything.
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push(':');
                out.push_str(&piece.json);
            }
        }
        out.push('}');
        out
    }
}

/// Where snapshots come in and listeners read.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    board: watch::Sender<Board>,
    fills: broadcast::Sender<Arc<str>>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { board: watch::Sender::default(), fills: broadcast::Sender::new(FILLS_BEHIND_MAX) }
    }

    pub(crate) fn board(&self) -> Board {
        self.board.borrow().clone()
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Board> {
        self.board.subscribe()
    }

    pub(crate) fn fills(&self) -> broadcast::Receiver<Arc<str>> {
        self.fills.subscribe()
    }

    /// Takes the next instant in.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let mut pieces = Pieces { last: self.board(), made: BTreeMap::new() };
        let of = &snapshot;
        pieces.put("session".to_owned(), &of.session);
        pieces.put("aggregate".to_owned(), &of.aggregate);
        pieces.put("positions".to_owned(), &of.positions);
        pieces.put("regime".to_owned(), &of.regime);
        pieces.put("stages".to_owned(), &of.stages);
        pieces.put("host".to_owned(), &of.host);
        pieces.put("events".to_owned(), &of.events);
        for strategy in &of.strategies {
            pieces.put(format!("strategy/{}", strategy.name), strategy);
        }
        for market in &of.markets {
            pieces.put(format!("market/{}", market.symbol), market);
        }
        let Pieces { last, made } = pieces;
        let seq = last.seq + 1;
        let is_gone = last.pieces.keys().any(|key| !made.contains_key(key));
        let removed_at = if is_gone { seq } else { last.removed_at };
        let board = Board { seq, snapshot: Arc::new(snapshot), pieces: Arc::new(made), removed_at };
        self.board.send_replace(board);
    }

    /// Passes a fill on at once.
    pub(crate) fn fill(&self, fill: &Fill) {
        if self.fills.receiver_count() > 0 {
            let data = serde_json::to_string(fill).expect("texts and numbers have a JSON form");
            let message =
                format!("{{\"type\":\"trade\",\"timestamp\":\"{}\",\"data\":{data}}}", fill.at);
            let _ = self.fills.send(message.into());
        }
    }
}

struct Pieces {
    last: Board,
    made: BTreeMap<String, Piece>,
}

impl Pieces {
    /// Keeps the number of a piece that is as it was.
    fn put(&mut self, key: String, value: &impl Serialize) {
        let json = serde_json::to_string(value).expect("texts and numbers have a JSON form");
        let piece = match self.last.pieces.get(&key) {
            Some(before) if *before.json == *json => before.clone(),
            _ => Piece { seq: self.last.seq + 1, json: json.into() },
        };
        self.made.insert(key, piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Strategy;

    fn snapshot(names: &[(&str, u64)]) -> Snapshot {
        let one = |&(name, fills): &(&str, u64)| Strategy {
            name: name.to_owned(),
            fills,
            ..Strategy::default()
        };
        Snapshot { strategies: names.iter().map(one).collect(), ..Snapshot::default() }
    }

    fn keys(json: &str) -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn a_listener_gets_what_changed_since_its_number_and_nothing_else() {
        let hub = Hub::new();
        hub.publish(snapshot(&[("a", 1), ("<b>", 1)]));
        let first = hub.board();
        let all = keys(&first.since(0, |_| true));
        assert!(all.contains(&"strategy/a".to_owned()) && all.contains(&"session".to_owned()));
        hub.publish(snapshot(&[("a", 1), ("<b>", 2)]));
        let second = hub.board();
        assert_eq!(keys(&second.since(first.seq, |_| true)), ["strategy/<b>"]);
        assert_eq!(keys(&second.since(0, |topic| topic == "strategy")).len(), 2);
        assert_eq!(second.since(second.seq, |_| true), "{}");
        // Whoever skipped the second instant gets both changes by the third.
        hub.publish(snapshot(&[("a", 3), ("<b>", 2)]));
        assert_eq!(keys(&hub.board().since(first.seq, |_| true)), ["strategy/<b>", "strategy/a"]);
        assert_eq!(hub.board().removed_at, 0);
        hub.publish(snapshot(&[("a", 3)]));
        assert_eq!(hub.board().removed_at, 4);
    }
}
