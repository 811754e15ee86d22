"""The market again, from the frames of a tape: books with their checksums, trades, and event numbers."""

import json
import struct
import zlib
from datetime import datetime, timezone

LEVELS_PER_EVENT = 4
CHECKED = 10


class Wrong(Exception):
    """The product and this program disagree."""


def instant(text):
    """Nanoseconds since 1970 of an RFC 3339 time in UTC."""
    head, _, rest = text[:-1].partition(".")
    seconds = datetime.strptime(head, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(seconds.timestamp()) * 1_000_000_000 + int((rest or "0").ljust(9, "0"))


def integer(text, decimals):
    """A decimal text as an integer of so many decimals; it must be exact."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    shift = decimals - len(fraction) + int(exponent or "0")
    digits = int(whole + fraction)
    if shift >= 0:
        return digits * 10**shift
    if digits % 10**-shift:
        raise Wrong(f"{text} has more than {decimals} decimals")
    return digits // 10**-shift


class Pair:
    """A pair as the instrument list states it, and its book."""

    def __init__(self, row, depth):
        self.name = row["symbol"]
        self.base, self.quote = row["base"], row["quote"]
        self.px_decimals = int(row["price_precision"])
        self.qty_decimals = int(row["qty_precision"])
        self.depth = depth
        self.asks, self.bids = {}, {}
        # Prices of each side, best first, until the next message.
        self.sorted = {}

    def side(self, name):
        return self.asks if name == "asks" else self.bids

    def best(self, name):
        """Prices, best first."""
        if name not in self.sorted:
            self.sorted[name] = sorted(self.side(name), reverse=name == "bids")
        return self.sorted[name]

    def touch(self):
        if not self.asks or not self.bids:
            return None
        return self.best("bids")[0], self.best("asks")[0]

    def apply(self, row, is_snapshot):
        if is_snapshot:
            self.asks.clear()
            self.bids.clear()
        for name in ("bids", "asks"):
            side = self.side(name)
            for level in row.get(name, []):
                px = integer(level["price"], self.px_decimals)
                qty = integer(level["qty"], self.qty_decimals)
                if qty == 0:
                    side.pop(px, None)
                else:
                    side[px] = qty
            self.sorted.pop(name, None)
            if len(side) > self.depth:
                for px in self.best(name)[self.depth :]:
                    del side[px]
                self.sorted.pop(name)

    def checksum(self):
        """Of digits without point and leading zeros; an integer's text is just that."""
        text = []
        for name in ("asks", "bids"):
            side = self.side(name)
            for px in self.best(name)[:CHECKED]:
                text.append(f"{px}{side[px]}")
        return zlib.crc32("".join(text).encode())

    def digest(self):
        """What a signal says that it saw."""
        data = b""
        for name in ("asks", "bids"):
            side = self.side(name)
            for px in self.best(name)[:CHECKED]:
                data += struct.pack("<qq", px, side[px])
        return f"{zlib.crc32(data):08x}"

    def shown(self, name, px):
        """Quantity shown at a price; `None` where it may lie below the visible depth."""
        side = self.side(name)
        if px in side:
            return side[px]
        if len(side) < self.depth:
            return 0
        worst = self.best(name)[-1]
        is_within = px < worst if name == "asks" else px > worst
        return 0 if is_within else None


class Event:
    """One numbered event: what it is about, when, and what it was."""

    __slots__ = ("seq", "exch", "now", "kind", "pair", "data")

    def __init__(self, seq, exch, now, kind, pair=None, data=None):
        self.seq, self.exch, self.now = seq, exch, now
        self.kind, self.pair, self.data = kind, pair, data


class Market:
    """Walks the records of a tape and numbers what the product numbers."""

    def __init__(self, meta_symbols, depth, numeraire):
        self.symbols, self.depth, self.numeraire = meta_symbols, depth, numeraire
        self.pairs = {}
        self.seq = 0
        # Exchange time of the latest event; none before the first.
        self.now = None
        self.books = self.checked = self.trades = 0
        self.last_trade = {}
        self.controls = {}

    def _emit(self, exch, kind, pair=None, data=None):
        self.seq += 1
        self.now = exch if self.now is None else max(self.now, exch)
        return Event(self.seq, exch, self.now, kind, pair, data)

    def walk(self, records):
        """Yields every event, with the books as they are after it."""
        has_list = False
        for kind, _, payload in records:
            if kind == 1:
                frame = json.loads(payload, parse_float=str, parse_int=str)
                channel = frame.get("channel")
                if channel == "instrument" and not has_list:
                    has_list = frame["type"] == "snapshot"
                    self._list(frame)
                elif has_list:
                    yield from self._frame(channel, frame)
            elif kind == 2:
                yield from self._control(payload)
            elif kind == 3:
                raise Wrong("the recording has a gap")

    def _list(self, frame):
        rows = {row["symbol"]: row for row in frame["data"]["pairs"]}
        self.pairs = {name: Pair(rows[name], self.depth) for name in self.symbols}

    def _frame(self, channel, frame):
        if channel == "book":
            for row in frame["data"]:
                yield from self._book(row, frame["type"] == "snapshot")
        elif channel == "trade":
            for row in frame["data"]:
                yield from self._trade(row, frame["type"] == "snapshot")
        elif channel == "instrument":
            raise Wrong("a second instrument list, which this program does not number")

    def _book(self, row, is_snapshot):
        pair = self.pairs[row["symbol"]]
        pair.apply(row, is_snapshot)
        self.books += 1
        if pair.checksum() != int(row["checksum"]):
            raise Wrong(f"{pair.name}: checksum {pair.checksum()} for {row['checksum']}")
        self.checked += 1
        count = len(row.get("bids", [])) + len(row.get("asks", []))
        exch = instant(row["timestamp"])
        for _ in range(max(-(-count // LEVELS_PER_EVENT), 1) - 1):
            yield self._emit(exch, "part", pair)
        yield self._emit(exch, "book", pair)

    def _trade(self, row, is_snapshot):
        pair = self.pairs[row["symbol"]]
        number = int(row["trade_id"])
        if number <= self.last_trade.get(pair.name, number - 1):
            return
        self.last_trade[pair.name] = number
        self.trades += 1
        data = {
            "px": integer(row["price"], pair.px_decimals),
            "qty": integer(row["qty"], pair.qty_decimals),
            "side": row["side"],
        }
        yield self._emit(instant(row["timestamp"]), "old_trade" if is_snapshot else "trade", pair, data)

    def _control(self, payload):
        kind = payload[0]
        self.controls[kind] = self.controls.get(kind, 0) + 1
        if kind == 1:
            (at,) = struct.unpack_from("<q", payload, 1)
            yield self._emit(at if self.now is None else max(at, self.now), "timer")
        elif kind == 11:
            _, _, at = struct.unpack_from("<BHq", payload, 1)
            yield self._emit(at, "history")
        else:
            raise Wrong(f"a decision of kind {kind}, which a session without faults does not have")

    def rate(self, pair):
        """Value of the quote currency in the numeraire, as twice a mid and its decimals."""
        if pair.quote == self.numeraire:
            return None
        priced = self.pairs[f"{pair.quote}/{self.numeraire}"]
        bid, ask = priced.touch()
        return bid + ask, priced.px_decimals

    def touches(self, moved):
        """Pairs whose value changes with the price of `moved`."""
        return [
            pair.name
            for pair in self.pairs.values()
            if pair is moved or pair.quote == moved.base
        ]
