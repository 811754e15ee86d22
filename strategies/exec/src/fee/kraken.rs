//! Kraken's spot fees by thirty-day volume, as dated tables.
//!
//! Figures are integers of 0.001 percent, so that what is compared with the page is what is
//! charged. A table is never edited: when the exchange changes its fees, a new one with its date is
//! added, and old results keep their meaning. Checked when compiled: tiers ascend, fees never rise.
//!
//! Only the spot volume chooses the tier here. Since 2026-07-09 the exchange takes the best of spot
//! volume, futures volume and assets on the platform; an account of this program has only the
//! first.

use paperwire_core::account::Liquidity;
use paperwire_core::instrument::Instrument;
use paperwire_core::num::{Money, money_from_scaled};

use super::FeeModel;

/// Names that [`by_name`] knows, the newest first, for messages about others.
pub const PRESETS: [&str; 2] = ["kraken-2026-09-19", "kraken-2025-11"];

/// Decimals of a figure in the tables as a fraction: 0.001 percent is 10^-5.
const FIGURE_DECIMALS: u8 = 5;

/// The fees from a volume on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tier {
    volume_usd: u32,
    maker: u16,
    taker: u16,
}

const fn tier(volume_usd: u32, maker: u16, taker: u16) -> Tier {
    Tier { volume_usd, maker, taker }
}

/// Spot crypto on 2026-09-19: the exchange's public fee schedule,
/// <https://www.kraken.com/features/fee-schedule>, tiers 1 to 12 and Pro 1 to Pro 5.
const SPOT_2026_09_19: &[Tier] = &[
    tier(0, 400, 800),
    tier(2_500, 300, 600),
    tier(10_000, 220, 380),
    tier(25_000, 200, 350),
    tier(50_000, 150, 300),
    tier(100_000, 120, 250),
    tier(250_000, 100, 220),
    tier(500_000, 80, 200),
    tier(1_000_000, 60, 180),
    tier(2_500_000, 40, 150),
    tier(5_000_000, 20, 120),
    tier(10_000_000, 0, 100),
    tier(50_000_000, 0, 90),
    tier(100_000_000, 0, 80),
    tier(250_000_000, 0, 70),
    tier(400_000_000, 0, 60),
    tier(500_000_000, 0, 50),
];

/// Stablecoin, pegged and FX pairs on 2026-09-19: the same page.
const PEGGED_2026_09_19: &[Tier] = &[
    tier(0, 200, 200),
    tier(50_000, 160, 160),
    tier(100_000, 120, 120),
    tier(250_000, 80, 80),
    tier(500_000, 40, 40),
    tier(1_000_000, 20, 20),
    tier(10_000_000, 0, 10),
    tier(100_000_000, 0, 1),
];

/// Spot crypto in November 2025: `fees` and `fees_maker` of the exchange's public REST call
/// `AssetPairs`, answered on 2025-11-11.
const SPOT_2025_11: &[Tier] = &[
    tier(0, 250, 400),
    tier(10_000, 200, 350),
    tier(50_000, 140, 240),
    tier(100_000, 120, 220),
    tier(250_000, 100, 200),
    tier(500_000, 80, 180),
    tier(1_000_000, 60, 160),
    tier(2_500_000, 40, 140),
    tier(5_000_000, 20, 120),
    tier(10_000_000, 0, 100),
];

const _: () = assert!(is_sound(SPOT_2026_09_19));
const _: () = assert!(is_sound(PEGGED_2026_09_19));
const _: () = assert!(is_sound(SPOT_2025_11));

/// Starts at no volume, ascends, and never charges more for trading more or for resting.
const fn is_sound(table: &[Tier]) -> bool {
    if table.is_empty() || table[0].volume_usd != 0 {
        return false;
    }
    let mut i = 0;
    while i < table.len() {
        let now = table[i];
        if now.maker > now.taker {
            return false;
        }
        if i > 0 {
            let before = table[i - 1];
            if now.volume_usd <= before.volume_usd {
                return false;
            }
            if now.maker > before.maker || now.taker > before.taker {
                return false;
            }
        }
        i += 1;
    }
    true
}

/// Cash currencies and coins that follow one. Bought and sold, they pay the second table.
const STABLE: &[&str] = &[
    "AED", "AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "USD", // cash
    "DAI", "EURC", "EURQ", "EURR", "EURT", "PYUSD", "RLUSD", "TUSD", "USD1", "USDC", "USDG",
    "USDQ", "USDR", "USDS", "USDT", // coins
];

/// Coins that follow another coin: pegged only in a pair with what they follow.
const PEGS: &[(&str, &str)] = &[("TBTC", "BTC"), ("WBTC", "BTC")];

/// True for a pair on the second table: its base is cash or a stablecoin (`USDT/USD`, `EUR/USD`),
/// or is pegged to its quote (`WBTC/BTC`). The quote alone does not matter: `BTC/USDT` is spot
/// crypto.
///
/// The exchange says so, and that trades of these pairs do not add to the thirty-day volume, in
/// <https://support.kraken.com/articles/360039299431-how-do-stablecoin-fx-fees-work->. The lists of
/// assets are ours and may lag behind the exchange's; a coin that they lack pays as spot crypto.
pub fn is_pegged_pair(of: &Instrument) -> bool {
    let (base, quote) = (of.base.as_str(), of.quote.as_str());
    STABLE.contains(&base) || PEGS.contains(&(base, quote))
}

/// Fees by the account's thirty-day volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiered {
    name: &'static str,
    spot: &'static [Tier],
    /// `None` where the second table of that date is not known; spot crypto is charged instead.
    pegged: Option<&'static [Tier]>,
}

/// The dated tables of this name; [`PRESETS`] lists the names.
pub fn by_name(preset: &str) -> Option<Tiered> {
    let (spot, pegged) = match preset {
        "kraken-2026-09-19" => (SPOT_2026_09_19, Some(PEGGED_2026_09_19)),
        "kraken-2025-11" => (SPOT_2025_11, None),
        _ => return None,
    };
    let name = PRESETS.into_iter().find(|name| *name == preset)?;
    Some(Tiered { name, spot, pegged })
}

impl FeeModel for Tiered {
    fn name(&self) -> &str {
        self.name
    }

    fn rate(&self, of: &Instrument, liquidity: Liquidity, volume_30d: Money) -> Money {
        assert!(volume_30d >= 0, "traded volume is never negative");
        let table = match self.pegged {
            Some(pegged) if is_pegged_pair(of) => pegged,
            _ => self.spot,
        };
        let above = table.partition_point(|tier| Money::from_num(tier.volume_usd) <= volume_30d);
        // The first tier starts at no volume, so at least one is reached.
        let reached = &table[above - 1];
        let figure = match liquidity {
            Liquidity::Maker => reached.maker,
            Liquidity::Taker => reached.taker,
        };
        money_from_scaled(i128::from(figure), FIGURE_DECIMALS)
    }
}
