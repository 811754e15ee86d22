//! Names of pairs: files and REST say `XBTUSD` or `XXBTZUSD`, everything here says `BTC/USD`.
//!
//! The venue's own list decides wherever it is known. Pairs that it lists no more are read by the assets that
//! it lists; without any list, by the currencies that Kraken's pairs are paid in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Currencies that pairs were paid in when this was written: what is known before a list is.
const QUOTES: [&str; 25] = [
    "USDT", "USDC", "USDG", "USDQ", "USDR", "USDD", "PYUSD", "RLUSD", "EURC", "EURQ", "EURR",
    "DAI", "XBT", "BTC", "ETH", "SOL", "DOT", "USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF",
    "AED",
];

/// The modern name of an asset.
fn modern(asset: &str) -> &str {
    match asset {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// The name of an asset in files and in REST.
fn ancient(asset: &str) -> &str {
    match asset {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

/// Both sides of a name with a slash, in modern words.
fn sides(name: &str) -> Option<(&str, &str)> {
    let (base, quote) = name.split_once('/')?;
    (is_asset(base) && is_asset(quote)).then(|| (modern(base), modern(quote)))
}

/// Letters of both cases (`AAPLx`), digits, points (`ETH2.S`) and hyphens.
fn is_asset(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    !text.is_empty() && text.bytes().all(is_fine)
}

/// A pair as the venue lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenuePair {
    /// `BTC/USD`.
    pub symbol: String,
    /// What files and REST call it: `XBTUSD`, `XXBTZUSD`.
    pub names: Vec<String>,
}

impl VenuePair {
    /// Of the key and the two names of a row of `AssetPairs`; `None` where no name has two sides.
    pub fn new(id: &str, altname: &str, wsname: &str) -> Option<Self> {
        let (base, quote) = sides(wsname)?;
        let names = [id, altname].map(str::to_owned).to_vec();
        Some(Self { symbol: format!("{base}/{quote}"), names })
    }

    /// Of a row that has a symbol of the WebSocket interface, and other names if it was [`saved`].
    fn of_row(row: &Value) -> Option<Self> {
        let (base, quote) = sides(row.get("symbol")?.as_str()?)?;
        let names = row.get("names").and_then(Value::as_array).into_iter().flatten();
        let names = names.filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self { symbol: format!("{base}/{quote}"), names })
    }
}

/// What pairs are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// By every spelling of the list, the symbol.
    listed: BTreeMap<String, String>,
    bases: BTreeSet<String>,
    quotes: BTreeSet<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self::unlisted()
    }
}

impl Names {
    /// What is known without a list.
    pub fn unlisted() -> Self {
        let quotes = QUOTES.map(str::to_owned).into();
        Self { listed: BTreeMap::new(), bases: BTreeSet::new(), quotes }
    }

    /// Learns a list; where two lists differ, the later one counts.
    pub fn learn(&mut self, pairs: &[VenuePair]) {
        for pair in pairs {
            let Some((base, quote)) = sides(&pair.symbol) else {
                continue;
            };
            let (old_base, old_quote) = (ancient(base), ancient(quote));
            let spelled = [
                format!("{base}{quote}"),
                format!("{old_base}{quote}"),
                format!("{base}{old_quote}"),
                format!("{old_base}{old_quote}"),
            ];
            for name in spelled.iter().chain(&pair.names) {
                self.listed.insert(name.clone(), pair.symbol.clone());
            }
            self.bases.extend([base, old_base].map(str::to_owned));
            self.quotes.extend([quote, old_quote].map(str::to_owned));
        }
    }

    /// Whether a list was learned.
    pub fn has_list(&self) -> bool {
        !self.listed.is_empty()
    }

    /// `XBTUSD`, `XXBTZUSD`, `XBT/USD` and `BTC/USD` are all `BTC/USD`; `None` for what is no pair that is known.
    pub fn symbol(&self, name: &str) -> Option<String> {
        if let Some((base, quote)) = sides(name) {
            return Some(format!("{base}/{quote}"));
        }
        if let Some(symbol) = self.listed.get(name) {
            return Some(symbol.clone());
        }
        if !is_asset(name) || !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let (base, quote) = self.ancient_sides(name).or_else(|| self.split(name))?;
        Some(format!("{}/{}", modern(base), modern(quote)))
    }

    /// The oldest pairs have ids of two four-letter assets: `XXBTZUSD`.
    fn ancient_sides<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let (base, quote) = name.split_at_checked(4).filter(|_| name.len() == 8)?;
        let (base, quote) = (base.strip_prefix('X')?, quote.strip_prefix(['Z', 'X'])?);
        self.quotes.contains(quote).then_some((base, quote))
    }

    /// Into an asset and a currency that pairs are paid in. Of several ways those count whose asset is known;
    /// `None` where none is, since the wrong pair is worse than none.
    fn split<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let ways = self.quotes.iter().filter_map(|quote| {
            let base = name.strip_suffix(quote.as_str()).filter(|base| !base.is_empty())?;
            Some((base, &name[base.len()..]))
        });
        let is_known = |base: &str| self.bases.contains(base) || self.quotes.contains(base);
        let (known, others): (Vec<_>, Vec<_>) = ways.partition(|(base, _)| is_known(base));
        match others[..] {
            [way] if known.is_empty() => Some(way),
            _ => known.into_iter().max_by_key(|(_, quote)| quote.len()),
        }
    }
}

/// Reads a list of pairs that was saved: an answer of `AssetPairs`, or a snapshot of the `instrument` channel;
/// empty when it is neither.
pub fn pairs_of(text: &str) -> Vec<VenuePair> {
    let Ok(list) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let result = list.get("result").unwrap_or(&list);
    let data = list.get("data").unwrap_or(&list);
    if let Some(rows) = data.get("pairs").and_then(Value::as_array) {
        return rows.iter().filter_map(VenuePair::of_row).collect();
    }
    let pair = |(id, row): (&String, &Value)| {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        VenuePair::new(id, text("altname").unwrap_or(id), text("wsname")?)
    };
    result.as_object().into_iter().flatten().filter_map(pair).collect()
}

/// A list as text that [`pairs_of`] reads.
pub fn saved(pairs: &[VenuePair]) -> String {
    let row = |of: &VenuePair| serde_json::json!({"symbol": of.symbol, "names": of.names});
    serde_json::json!({"pairs": pairs.iter().map(row).collect::<Vec<_>>()}).to_string()
}

/// What a file of Kraken's bundles holds, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The pair's name in it.
    pub pair: String,
    /// Length of its bars in minutes; `None` for a file of trades.
    pub minutes: Option<i64>,
}

impl FileName {
    /// Reads `XBTUSD_60.csv`, `XBTUSD.csv` and `XBTUSD_trades_20230101.csv`, each also with `.gz`.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = without(without(name, ".gz").unwrap_or(name), ".csv")?;
        let (pair, rest) = stem.split_once('_').map_or((stem, None), |(a, b)| (a, Some(b)));
        let minutes = match rest {
            None => None,
            Some(rest) if rest == "trades" || rest.starts_with("trades_") => None,
            Some(rest) => Some(rest.parse().ok()?),
        };
        Some(Self { pair: pair.to_owned(), minutes })
    }
}

/// The name before an ending, in whichever case that is written.
pub(crate) fn without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_pair_is_one_name() {
        let names = Names::unlisted();
        for (text, expected) in [
            ("XBTUSD", "BTC/USD"),
            ("XXBTZUSD", "BTC/USD"),
            ("XBT/USD", "BTC/USD"),
            ("XBTUSDT", "BTC/USDT"),
            ("XETHXXBT", "ETH/BTC"),
            ("XDGUSD", "DOGE/USD"),
            ("XXRPZUSD", "XRP/USD"),
            ("BCHEUR", "BCH/EUR"),
            ("ETHBTC", "ETH/BTC"),
            ("1INCHUSD", "1INCH/USD"),
            ("XBTCHF", "BTC/CHF"),
            ("USDTAED", "USDT/AED"),
            ("ETH2.SETH", "ETH2.S/ETH"),
            ("AAPLxUSD", "AAPLx/USD"),
        ] {
            assert_eq!(names.symbol(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["USD", "", "README", "xbtusd", "/USD", "A/B/C", "FOOBAR"] {
            assert_eq!(names.symbol(text), None, "{text}");
        }
    }

    #[test]
    fn the_venues_list_decides_before_any_rule() {
        let list = r#"{"error":[],"result":{
            "SPYUSD":{"altname":"SPYUSD","wsname":"SPY/USD","more":[1,{}]},
            "FOOBAR":{"wsname":"FOO/BAR"},
            "XXDGZUSD":{"altname":"XDGUSD","wsname":"XDG/USD"},
            "broken":{"altname":"x"}}}"#;
        let mut names = Names::unlisted();
        assert_eq!(names.symbol("SPYUSD"), None, "S/PYUSD or SPY/USD");
        names.learn(&pairs_of(list));
        assert!(names.has_list());
        let check = |name: &str, expected| assert_eq!(names.symbol(name).as_deref(), expected);
        check("SPYUSD", Some("SPY/USD"));
        check("FOOBAR", Some("FOO/BAR"));
        check("XXDGZUSD", Some("DOGE/USD"));
        check("DOGEUSD", Some("DOGE/USD"));
        // Listed no more, in a currency and of an asset that are listed.
        check("SPYBAR", Some("SPY/BAR"));
        check("GONEBAR", Some("GONE/BAR"));
        check("README", None);
        let kept = saved(&pairs_of(list));
        assert_eq!(pairs_of(&kept), pairs_of(list));
        assert!(pairs_of("no list").is_empty() && pairs_of("[1]").is_empty());
    }

    /// The venue's own snapshot of all pairs, where it is beside the repository: none of their names is
    /// refused or read as another pair.
    #[test]
    fn every_pair_of_the_venues_snapshot_is_read_from_its_file_name() {
        let Some(path) = crate::testing::captured("../ws/instrument_snapshot_20240403.json") else {
            return;
        };
        let pairs = pairs_of(&std::fs::read_to_string(path).unwrap());
        assert_eq!(pairs.len(), 683);
        let mut listed = Names::unlisted();
        listed.learn(&pairs);
        for names in [Names::unlisted(), listed] {
            for pair in &pairs {
                let (base, quote) = pair.symbol.split_once('/').unwrap();
                let name = format!("{}{}_1.csv", ancient(base), ancient(quote));
                let file = FileName::parse(&name).unwrap();
                assert_eq!(names.symbol(&file.pair), Some(pair.symbol.clone()), "{name}");
            }
        }
    }

    #[test]
    fn a_file_says_what_it_holds() {
        let parse = |name| FileName::parse(name).map(|of| (of.pair, of.minutes));
        assert_eq!(parse("XBTUSD_60.csv.gz"), Some(("XBTUSD".to_owned(), Some(60))));
        assert_eq!(parse("BCHEUR_trades_20230101.csv"), Some(("BCHEUR".to_owned(), None)));
        assert_eq!(parse("ETH2.SETH_1.CSV"), Some(("ETH2.SETH".to_owned(), Some(1))));
        assert_eq!(parse("XRPUSD.csv"), Some(("XRPUSD".to_owned(), None)));
        assert_eq!(parse("XBTUSD_x.csv"), None);
        assert_eq!(parse("readme.txt"), None);
    }
}
