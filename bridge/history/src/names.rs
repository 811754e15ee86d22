//! Names of pairs: files and REST say `XBTUSD` or `XXBTZUSD`, everything here says `BTC/USD`.

/// Currencies that pairs are paid in; a longer one is looked for before one that it ends in.
const QUOTES: [&str; 22] = [
    "USDT", "USDC", "USDG", "USDQ", "USDR", "PYUSD", "RLUSD", "EURC", "EURQ", "EURR", "DAI", "XBT",
    "BTC", "ETH", "SOL", "DOT", "USD", "EUR", "GBP", "CAD", "JPY", "AUD",
];

/// The modern name of an asset.
fn modern(asset: &str) -> &str {
    match asset {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// `XBTUSD`, `XXBTZUSD`, `XBT/USD` and `BTC/USD` are all `BTC/USD`; `None` for what is no pair.
pub fn pair(name: &str) -> Option<String> {
    if let Some((base, quote)) = name.split_once('/') {
        let is_fine = |asset: &str| !asset.is_empty() && asset.chars().all(char::is_alphanumeric);
        return (is_fine(base) && is_fine(quote))
            .then(|| format!("{}/{}", modern(base), modern(quote)));
    }
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return None;
    }
    // The oldest pairs have ids of two four-letter assets: `XXBTZUSD`.
    if let (8, Some((base, quote))) = (name.len(), name.split_at_checked(4))
        && base.starts_with('X')
        && quote.starts_with(['Z', 'X'])
    {
        return Some(format!("{}/{}", modern(&base[1..]), modern(&quote[1..])));
    }
    let mut found = QUOTES.iter().filter_map(|quote| Some((name.strip_suffix(quote)?, *quote)));
    let longest =
        |a: (&'static str, _), b: (&'static str, _)| if a.0.len() >= b.0.len() { a } else { b };
    let (quote, base) = found.by_ref().map(|(base, quote)| (quote, base)).reduce(longest)?;
    (!base.is_empty()).then(|| format!("{}/{}", modern(base), modern(quote)))
}

/// What a file of Kraken's bundles holds, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The pair.
    pub symbol: String,
    /// Length of its bars in minutes; `None` for a file of trades.
    pub minutes: Option<i64>,
}

impl FileName {
    /// Reads `XBTUSD_60.csv`, `XBTUSD.csv` and `XBTUSD_trades_20230101.csv`, each also with `.gz`.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv")?;
        let (pair_name, rest) = stem.split_once('_').map_or((stem, None), |(a, b)| (a, Some(b)));
        let minutes = match rest {
            None => None,
            Some(rest) if rest == "trades" || rest.starts_with("trades_") => None,
            Some(rest) => Some(rest.parse().ok()?),
        };
        Some(Self { symbol: pair(pair_name)?, minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_pair_is_one_name() {
        for (text, expected) in [
            ("XBTUSD", "BTC/USD"),
            ("XXBTZUSD", "BTC/USD"),
            ("XBT/USD", "BTC/USD"),
            ("BTC/USD", "BTC/USD"),
            ("XBTUSDT", "BTC/USDT"),
            ("XRPXBT", "XRP/BTC"),
            ("XXRPXXBT", "XRP/BTC"),
            ("XDGUSD", "DOGE/USD"),
            ("BCHEUR", "BCH/EUR"),
            ("ETHBTC", "ETH/BTC"),
            ("1INCHUSD", "1INCH/USD"),
        ] {
            assert_eq!(pair(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["USD", "", "README", "xbtusd", "/USD", "A/B/C"] {
            assert_eq!(pair(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_says_what_it_holds() {
        let parse = |name| FileName::parse(name).map(|of| (of.symbol, of.minutes));
        assert_eq!(parse("XBTUSD_60.csv.gz"), Some(("BTC/USD".to_owned(), Some(60))));
        assert_eq!(parse("BCHEUR_trades_20230101.csv"), Some(("BCH/EUR".to_owned(), None)));
        assert_eq!(parse("XRPUSD.csv"), Some(("XRP/USD".to_owned(), None)));
        assert_eq!(parse("XBTUSD_x.csv"), None);
        assert_eq!(parse("readme.txt"), None);
    }
}
