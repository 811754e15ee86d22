#!/usr/bin/env python3
"""Holds what a recorded session printed against what its raw material says.

Usage: check.py FOLDER, where FOLDER has session.tape, logs/, hdr/ and, when the product compared something,
verdicts/. Shares no line with the product: only the formats that docs/ describes. Exit code 0 when all agrees,
1 when something does not, 77 when this machine cannot tell (no zstd).
"""

import glob
import json
import os
import sys
import tomllib

import hdr
import tape
import verdicts
from account import MINUTE, Account, same
from market import Market, Wrong
from money import parse


def log(folder, stream):
    """The lines of a stream, every file of it in the order of writing."""
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "logs", stream, "*.jsonl"))):
        with open(path, encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    return rows


def flat_fees(config):
    fees = config["venue"]["fees"]
    if fees["schedule"] != "flat":
        raise Wrong("this program knows flat fees only")
    return {side: parse(str(fees[side])) for side in ("maker", "taker")}


class Session:
    """The material of one session, and what it should have come to."""

    def __init__(self, folder):
        self.folder = folder
        meta, self.records, _ = tape.read(os.path.join(folder, "session.tape"))
        self.config = tomllib.loads(meta["config"])
        system = log(folder, "system")
        self.report = next(row["details"] for row in system if row["event"] == "session_end")
        session = self.config["session"]
        self.market = Market(session["symbols"], self.config["feed"]["depth"], session["numeraire"])
        fees, capital = flat_fees(self.config), parse(str(self.config["account"]["capital"]))
        self.accounts = {
            row["name"]: Account(row["name"], capital, self.market, fees)
            for row in self.report["strategies"]
        }
        self.lines = log(folder, "strategies")
        self.by_seq = {}
        for row in self.lines:
            if row["event"] in ("fill", "interest", "signal"):
                self.by_seq.setdefault(row["seq"], []).append(row)
        self.counts = {"fills": 0, "walks": 0, "signals": 0}

    def replay(self):
        """Books, fills, fees and accounts, event by event."""
        for event in self.market.walk(self.records):
            for account in self.accounts.values():
                account.on_event(event)
            rows = self.by_seq.pop(event.seq, None)
            if rows is not None:
                for name, account in self.accounts.items():
                    self.step(event, account, [row for row in rows if row["strategy"] == name])
        if self.by_seq:
            raise Wrong(f"the log speaks of events that the tape does not have: {sorted(self.by_seq)[:5]}")

    def step(self, event, account, rows):
        at = 0
        while at < len(rows):
            row = rows[at]
            same(f"event {event.seq}: exchange time", row["exchange_ns"], event.exch)
            if row["event"] == "signal":
                self.signal(event, row)
                at += 1
            elif row["event"] == "interest":
                amount = parse(row["interest"]["amount"])
                account.cash -= amount
                account.interest += amount
                at += 1
            else:
                # What one order got at one event is one walk, in a closing and an opening part.
                of = [row["fill"]]
                while (
                    at + len(of) < len(rows)
                    and rows[at + len(of)]["event"] == "fill"
                    and rows[at + len(of)]["fill"]["order"] == of[0]["order"]
                    and of[0]["liquidity"] == "taker"
                ):
                    of.append(rows[at + len(of)]["fill"])
                account.execution(event, of)
                self.counts["walks"] += 1
                for fill in of:
                    account.fill(event, fill)
                    self.counts["fills"] += 1
                at += len(of)

    def signal(self, event, row):
        signal = row["signal"]
        pair = self.market.pairs[signal["symbol"]]
        same(f"signal at {event.seq}: what it saw", signal["saw"], {"seq": event.seq, "book": pair.digest()})
        if signal["latency_ns"]["call"] > signal["latency_ns"]["response"]:
            raise Wrong(f"signal at {event.seq}: a call longer than the response that it is part of")
        self.counts["signals"] += 1

    def ends(self):
        """The last accounts and the report."""
        finals = {row["strategy"]: row["account_final"] for row in self.lines if row["event"] == "account_final"}
        for row in self.report["strategies"]:
            account = self.accounts[row["name"]]
            account.against_log(finals[row["name"]])
            account.against_report(row)
        same("book messages", self.report["book_updates"], self.market.books)
        same("checksums", self.report["checksums_ok"], self.market.checked)
        same("trades", self.report["trades"], self.market.trades)
        same("fills", self.report["fills"], self.counts["fills"])
        same("signals", self.report["signals"], self.counts["signals"])

    def minutes(self):
        """The equity that each minute opened with, as the log has it."""
        checked = 0
        for row in self.lines:
            if row["event"] not in ("account", "account_final"):
                continue
            of, account = row[row["event"]], self.accounts[row["strategy"]]
            if of["minute_ns"] is not None:
                opened = account.openings[of["minute_ns"] // MINUTE]
                same(f"{account.name}: opening of a minute", parse(of["minute_opened"]), opened)
                checked += 1
        return {"minutes": checked}

    def histograms(self):
        """Counts and percentiles of the report from the interval log alone."""
        paths = glob.glob(os.path.join(self.folder, "hdr", "*.hlog"))
        merged, rows = hdr.read(paths[0])
        checked = 0
        reported = [("strategy." + row["name"], row) for row in self.report["strategies"]]
        reported += [("stage." + row["stage"], row) for row in self.report["stages"]]
        for tag, row in reported:
            for part, key in (("service", "latency_ns"), ("response", "response_ns")):
                of = merged.get(f"{tag}.{part}")
                if of is None:
                    # The bridge's own stages are in no interval of the pinned threads.
                    if tag in ("stage.drained", "stage.published"):
                        continue
                    raise Wrong(f"the interval log has no {tag}.{part}")
                same(f"{tag}.{part}: count", row[key]["count"], of.total())
                for name, quantile in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
                    same(f"{tag}.{part}: {name}", row[key][name], of.at(quantile))
                same(f"{tag}.{part}: max", row[key]["max"], of.largest())
                checked += 1
        return {"intervals": rows, "histograms": checked}


def main():
    folder = sys.argv[1]
    try:
        session = Session(folder)
        session.replay()
        session.ends()
        found = session.histograms() | session.minutes()
        found |= verdicts.check(os.path.join(folder, "verdicts"))
    except tape.NoZstd as error:
        print(f"SKIPPED: {error}")
        return 77
    except Wrong as error:
        print(f"WRONG: {error}")
        return 1
    closed = sum(len(account.nets) for account in session.accounts.values())
    minutes = max(len(account.returns) for account in session.accounts.values())
    found |= session.counts | {"checksums": session.market.checked, "events": session.market.seq}
    found |= {"closed_trades": closed, "return_minutes": minutes}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
