"""Runs ccxt's Kraken client against the exchange.

Needs Python >= 3.10 and `pip install ccxt==4.5.90` (a virtual environment will do).

    cargo build --release -p paperwire-exchange --example serve
    python ccxt_check.py PATH/TO/serve [seconds]

Passes (exit code 0) when order books, trades, tickers and candles arrive for BTC/USD, XRP/USD and
XRP/BTC, books are sorted, uncrossed and as deep as asked, trade numbers have no gap, streamed
candles and trades agree with the REST answers, and nothing raises.
"""

import asyncio
import subprocess
import sys

import ccxt.pro

PAIRS = ["BTC/USD", "XRP/USD", "XRP/BTC"]
DEPTH = 25


class Check:
    def __init__(self):
        self.failures = []
        self.counts = {}
        self.trades = {pair: {} for pair in PAIRS}

    def expect(self, claim, text):
        if not claim:
            self.failures.append(text)

    def saw(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1


async def books(exchange, pair, check):
    while True:
        book = await exchange.watch_order_book(pair, DEPTH)
        check.saw(f"book {pair}")
        bids, asks = list(book["bids"]), list(book["asks"])
        check.expect(len(bids) >= DEPTH and len(asks) >= DEPTH, f"{pair}: short book")
        check.expect(bids == sorted(bids, reverse=True), f"{pair}: bids unsorted")
        check.expect(asks == sorted(asks), f"{pair}: asks unsorted")
        check.expect(bids[0][0] < asks[0][0], f"{pair}: crossed {bids[0]} {asks[0]}")


async def trades(exchange, pair, check):
    while True:
        for trade in await exchange.watch_trades(pair):
            check.saw(f"trade {pair}")
            check.trades[pair][int(trade["id"])] = trade


async def tickers(exchange, pair, check):
    while True:
        ticker = await exchange.watch_ticker(pair)
        check.saw(f"ticker {pair}")
        check.expect(ticker["bid"] < ticker["ask"], f"{pair}: ticker crossed")
        check.expect(ticker["low"] <= ticker["last"] <= ticker["high"], f"{pair}: last out of range")


async def candles(exchange, pair, check):
    while True:
        for candle in await exchange.watch_ohlcv(pair, "1m"):
            check.saw(f"ohlcv {pair}")
            _, opened, high, low, close, _ = candle
            check.expect(low <= min(opened, close), f"{pair}: candle low")
            check.expect(high >= max(opened, close), f"{pair}: candle high")


async def compare_with_rest(exchange, pair, check):
    """What was streamed is what REST tells afterwards."""
    ids = sorted(check.trades[pair])
    check.expect(ids == list(range(ids[0], ids[-1] + 1)), f"{pair}: gap in trade numbers")
    told = {int(t["id"]): t for t in await exchange.fetch_trades(pair, limit=1000)}
    common = [i for i in ids if i in told]
    check.expect(len(common) > 5, f"{pair}: REST knows {len(common)} of {len(ids)} trades")
    for number in common:
        for key in ("price", "amount", "side"):
            same = told[number][key] == check.trades[pair][number][key]
            check.expect(same, f"{pair}: trade {number} differs in {key}")
    rows = await exchange.fetch_ohlcv(pair, "1m")
    check.expect(len(rows) == 720, f"{pair}: {len(rows)} candles by REST")
    streamed = {row[0]: row for row in exchange.ohlcvs[pair]["1m"]}
    closed = [row for row in rows[:-1] if row[0] in streamed]
    check.expect(len(closed) > 0, f"{pair}: no common candle")
    for row in closed:
        check.expect(row == streamed[row[0]], f"{pair}: {row} by REST, {streamed[row[0]]} streamed")
    page = await exchange.fetch_order_book(pair, 10)
    check.expect(len(page["bids"]) == 10, f"{pair}: REST book")
    ticker = await exchange.fetch_ticker(pair)
    check.expect(ticker["bid"] < ticker["ask"], f"{pair}: REST ticker")


async def drive(ws_url, rest_url, seconds):
    exchange = ccxt.pro.kraken({"enableRateLimit": True})
    exchange.urls["api"]["public"] = rest_url
    exchange.urls["api"]["private"] = rest_url
    exchange.urls["api"]["ws"]["publicV2"] = ws_url
    check = Check()
    try:
        await exchange.load_markets()
        for pair in PAIRS:
            check.expect(pair in exchange.markets, f"{pair}: not in load_markets")
        loops = [f(exchange, p, check) for f in (books, trades, tickers, candles) for p in PAIRS]
        tasks = [asyncio.create_task(loop) for loop in loops]
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            check.expect(False, f"a watcher ended: {task.exception()!r}")
        for task in tasks:
            task.cancel()
        for pair in PAIRS:
            for what in ("book", "trade", "ticker", "ohlcv"):
                seen = check.counts.get(f"{what} {pair}", 0)
                check.expect(seen > 2, f"{pair}: {seen} of {what}")
            await compare_with_rest(exchange, pair, check)
    finally:
        await exchange.close()
    print(check.counts)
    for failure in sorted(set(check.failures)):
        print("FAILED", failure, f"(x{check.failures.count(failure)})")
    return 1 if check.failures else 0


def main():
    program = sys.argv[1]
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    args = [program, "--plain", "--seed", "3", "--seconds", str(seconds + 60)]
    server = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
    try:
        ws_url, rest_url = server.stdout.readline().split()
        return asyncio.run(drive(ws_url, rest_url, seconds))
    finally:
        server.terminate()


if __name__ == "__main__":
    sys.exit(main())
