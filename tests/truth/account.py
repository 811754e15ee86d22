"""One strategy's account again, from its log and the market: money to the last bit, ratios, drawdown."""

import math

from market import Wrong
from money import ONE, number, of_scaled, parse, share, times, toward_zero

MINUTE = 60_000_000_000
MINUTES_PER_YEAR = 525_600


def lots(text, decimals):
    """A quantity of the log as an integer; it has all its decimals."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * int(whole + fraction.ljust(decimals, "0"))


def same(what, got, want):
    if got != want:
        raise Wrong(f"{what}: the product has {got}, this program {want}")


def near(what, got, want, relative=1e-9):
    if (got is None) != (want is None):
        raise Wrong(f"{what}: the product has {got}, this program {want}")
    if got is not None and abs(float(got) - float(want)) > relative * max(abs(float(want)), 1e-9):
        raise Wrong(f"{what}: the product has {got}, this program {want}")


class Position:
    def __init__(self):
        self.lots = self.cost = self.entry_fee = 0
        self.entered = None
        self.trade_net = 0
        self.unrealized = 0


class Account:
    """Books fills, follows marks, and keeps what the ratios need."""

    def __init__(self, name, capital, market, fees):
        self.name, self.market, self.fees = name, market, fees
        self.capital = capital
        self.cash = self.equity = capital
        self.realized = self.paid = self.interest = self.turnover = 0
        self.positions = {pair: Position() for pair in market.symbols}
        self.fills = self.makers = 0
        self.nets, self.holds = [], []
        self.taken = {}
        # Ratios: the minute of the last mark, what it opened with, and the returns so far.
        self.minute, self.opened, self.returns = None, capital, []
        self.openings = {}
        self.peak, self.trough_share, self.deepest = capital, 0, 0
        self.below_since, self.longest, self.marked_at = None, 0, None

    # Money.

    def fill(self, event, fill):
        """Books one fill of the log and holds every figure of it against its own."""
        pair = self.market.pairs[fill["symbol"]]
        held = self.positions[pair.name]
        qty = lots(fill["qty"], pair.qty_decimals)
        value, rate, fee = (parse(fill[key]) for key in ("value_quote", "quote_rate", "fee"))
        where = f"{self.name} fill {fill['fill']}"
        same(f"{where}: time", fill["at_ns"], event.now)
        doubled = self.market.rate(pair)
        want = ONE if doubled is None else toward_zero(of_scaled(*doubled), 2)
        same(f"{where}: quote rate", rate, want)
        schedule = self.fees["maker" if fill["liquidity"] == "maker" else "taker"]
        same(f"{where}: fee", fee, times(times(value, rate), schedule))
        signed, cost = (qty, value) if fill["side"] == "buy" else (-qty, -value)
        self.turnover += times(value, rate)
        self.fills += 1
        self.makers += fill["liquidity"] == "maker"
        self.paid += fee
        self.cash -= fee
        realized = net = 0
        trade_net = None
        if held.lots == 0 or (held.lots > 0) == (signed > 0):
            if held.lots == 0:
                held.entered = event.now
            held.lots += signed
            held.cost += cost
            held.entry_fee += fee
        else:
            if abs(signed) > abs(held.lots):
                raise Wrong(f"{where} turns a position around")
            of_cost = share(held.cost, qty, abs(held.lots))
            of_fee = share(held.entry_fee, qty, abs(held.lots))
            held.lots += signed
            held.cost -= of_cost
            held.entry_fee -= of_fee
            realized = times(-cost - of_cost, rate)
            net = realized - fee - of_fee
            self.realized += realized
            self.cash += realized
            held.trade_net += net
            if held.lots == 0:
                trade_net = held.trade_net
                self.nets.append(trade_net)
                self.holds.append(max(event.now - held.entered, 0))
                self.positions[pair.name] = held = Position()
        same(f"{where}: realized", parse(fill["realized"]), realized)
        same(f"{where}: net", parse(fill["net"]), net)
        logged = fill["trade_net"] and parse(fill["trade_net"])
        same(f"{where}: net of the trade", logged, trade_net)
        same(f"{where}: cash after", parse(fill["cash_after"]), self.cash)
        same(f"{where}: position after", lots(fill["position_after"], pair.qty_decimals), held.lots)
        self.value(pair.name)
        self.mark(event.now)

    # What the book gave.

    def walk(self, pair, name, qty, limit):
        """What a taker gets of one side of the book, behind what this account took before."""
        got, notional, levels, passed = 0, 0, 0, 0
        for place, px in enumerate(pair.best(name), 1):
            if got == qty:
                break
            if limit is not None and (px > limit if name == "asks" else px < limit):
                break
            shown = pair.side(name)[px]
            gone = min(self.taken.get((pair.name, name, px), 0), shown)
            passed += gone
            free = min(shown - gone, qty - got)
            if free <= 0:
                continue
            got += free
            notional += px * free
            levels = place
        return got, notional, levels, passed

    def take(self, pair, name, qty):
        left = qty
        for px in pair.best(name):
            key = (pair.name, name, px)
            free = min(pair.side(name)[px] - min(self.taken.get(key, 0), pair.side(name)[px]), left)
            if free > 0:
                self.taken[key] = self.taken.get(key, 0) + free
                left -= free
            if left == 0:
                return

    def follow(self, pair):
        """After a message: no more can be taken of a level than it shows."""
        for key in [key for key in self.taken if key[0] == pair.name]:
            shown = pair.shown(key[1], key[2])
            if shown is not None:
                self.taken[key] = min(self.taken[key], shown)
            if self.taken[key] == 0:
                del self.taken[key]

    def execution(self, event, fills):
        """Holds the fills of one order at one event against the book or the print."""
        first = fills[0]
        pair = self.market.pairs[first["symbol"]]
        where = f"{self.name} fill {first['fill']}"
        bid, ask = pair.touch()
        evidence = first["evidence"]
        same(f"{where}: bid", lots(evidence["bid"], pair.px_decimals), bid)
        same(f"{where}: ask", lots(evidence["ask"], pair.px_decimals), ask)
        name = "asks" if first["side"] == "buy" else "bids"
        qty = sum(lots(fill["qty"], pair.qty_decimals) for fill in fills)
        decimals = pair.px_decimals + pair.qty_decimals
        if first["liquidity"] == "maker":
            px = lots(first["px"], pair.px_decimals)
            for fill in fills:
                of = lots(fill["qty"], pair.qty_decimals)
                same(f"{where}: value", parse(fill["value_quote"]), of_scaled(px * of, decimals))
            if evidence["print"] is not None:
                printed = {
                    "px": lots(evidence["print"]["px"], pair.px_decimals),
                    "qty": lots(evidence["print"]["qty"], pair.qty_decimals),
                }
                same(f"{where}: print", printed, {key: event.data[key] for key in ("px", "qty")})
                is_through = printed["px"] < px if name == "asks" else printed["px"] > px
                if not is_through:
                    raise Wrong(f"{where}: nothing traded through its price")
            else:
                self.take(pair, name, qty)
            return
        got, notional, levels, passed = self.walk(pair, name, qty, None)
        same(f"{where}: quantity of the walk", got, qty)
        same(f"{where}: levels", first["levels"], levels)
        same(f"{where}: passed over", lots(evidence["consumed"], pair.qty_decimals), passed)
        value = sum(parse(fill["value_quote"]) for fill in fills)
        want = of_scaled(notional, decimals)
        if abs(value - want) > len(fills) - 1:
            raise Wrong(f"{where}: the product paid {value}, the book asks {want}")
        self.take(pair, name, qty)

    # Marks.

    def value(self, name):
        pair, held = self.market.pairs[name], self.positions[name]
        if held.lots == 0:
            return
        bid, ask = pair.touch()
        decimals = pair.px_decimals + pair.qty_decimals
        value = toward_zero(of_scaled(held.lots * (bid + ask), decimals), 2)
        doubled = self.market.rate(pair)
        rate = ONE if doubled is None else toward_zero(of_scaled(*doubled), 2)
        held.unrealized = times(value - held.cost, rate)

    def mark(self, now):
        self.equity = self.cash + sum(held.unrealized for held in self.positions.values())
        minute = now // MINUTE
        if self.minute is None:
            self.minute = minute
            self.openings[minute] = self.opened
        elif minute > self.minute:
            if self.opened > 0:
                self.returns.append(number(self.marked_equity - self.opened) / number(self.opened))
            if self.marked_equity > 0:
                self.returns.extend([0.0] * (minute - self.minute - 1))
            self.opened, self.minute = self.marked_equity, minute
            self.openings[minute] = self.opened
        self.marked_equity = self.equity
        self.marked_at = now if self.marked_at is None else max(self.marked_at, now)
        if self.below_since is not None:
            self.longest = max(self.longest, self.marked_at - self.below_since)
        if self.equity >= self.peak:
            self.peak, self.below_since = self.equity, None
            return
        if self.below_since is None:
            self.below_since = self.marked_at
        self.deepest = max(self.deepest, number(self.peak - self.equity) / number(self.peak))

    def on_event(self, event):
        """What the event does before anything is filled."""
        if event.kind == "timer":
            for name, held in self.positions.items():
                if held.lots:
                    self.value(name)
            self.mark(event.now)
        elif event.kind in ("book", "trade") and event.pair.touch() is not None:
            if event.kind == "book" and self.taken:
                self.follow(event.pair)
            if all(held.lots == 0 for held in self.positions.values()):
                return
            touched = [name for name in self.market.touches(event.pair) if self.positions[name].lots]
            for name in touched:
                self.value(name)
            if touched:
                self.mark(event.now)

    # The end.

    def ratios(self):
        count = len(self.returns)
        if count < 2:
            return None, None
        mean = math.fsum(self.returns) / count
        spread = math.fsum((of - mean) ** 2 for of in self.returns) / (count - 1)
        below = math.fsum(min(of, 0.0) ** 2 for of in self.returns) / count
        year = math.sqrt(MINUTES_PER_YEAR)
        of = lambda variance: None if variance <= 1e-24 * mean * mean else mean / math.sqrt(variance) * year
        return of(spread), of(below)

    def against_log(self, final):
        """The last account of the log, to the last bit."""
        for key, want in (
            ("cash", self.cash),
            ("equity", self.equity),
            ("realized", self.realized),
            ("fees", self.paid),
            ("interest", self.interest),
            ("turnover", self.turnover),
            ("unrealized", sum(held.unrealized for held in self.positions.values())),
        ):
            same(f"{self.name}: {key} of the last account", parse(final[key]), want)
        same(f"{self.name}: fills", final["fills"], self.fills)
        same(f"{self.name}: fills of resting orders", final["maker_fills"], self.makers)

    def against_report(self, row, minutes_min=30):
        """Every figure and every ratio of the report."""
        wins = [net for net in self.nets if net > 0]
        losses = [net for net in self.nets if net < 0]
        count, decided = len(self.nets), len(wins) + len(losses)
        sharpe, sortino = self.ratios()
        enough = len(self.returns) >= minutes_min
        same(f"{self.name}: minutes", row["return_minutes"], len(self.returns))
        same(f"{self.name}: closed trades", row["closed_trades"], count)
        same(f"{self.name}: wins", row["wins"], len(wins))
        same(f"{self.name}: losses", row["losses"], len(losses))
        near(f"{self.name}: Sharpe", row["sharpe"], sharpe if enough else None, 1e-7)
        near(f"{self.name}: Sortino", row["sortino"], sortino if enough else None, 1e-7)
        near(f"{self.name}: win rate", row["win_rate"], 100 * len(wins) / decided if decided else None)
        factor = sum(wins) / -sum(losses) if losses else None
        near(f"{self.name}: profit factor", row["profit_factor"], factor)
        near(f"{self.name}: expectancy", row["expectancy"], number(sum(self.nets)) / count if count else None, 1e-8)
        near(f"{self.name}: average hold", row["average_hold_ns"], sum(self.holds) // count if count else None)
        near(f"{self.name}: deepest fall", row["max_drawdown_pct"], 100 * self.deepest)
        same(f"{self.name}: longest fall", row["drawdown_longest_ns"], self.longest)
        near(f"{self.name}: turnover", row["turnover"], number(self.turnover), 1e-8)
        roi = 100 * number(self.equity - self.capital) / number(self.capital)
        near(f"{self.name}: return", row["roi_pct"], roi, 1e-8)
