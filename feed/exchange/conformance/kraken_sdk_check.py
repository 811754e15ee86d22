"""Runs python-kraken-sdk's own order book against the exchange.

Needs Python >= 3.11 and `pip install python-kraken-sdk==3.5.1` (a virtual environment will do).

    cargo build --release -p paperwire-exchange --example serve
    python kraken_sdk_check.py PATH/TO/serve [seconds]

Passes (exit code 0) when every book of BTC/USD and XRP/USD at depths 10 and 100 stays valid by the
SDK's checksum with no resubscription, and when one corrupted checksum leads to exactly one
unsubscribe and one subscribe.
"""

import asyncio
import re
import signal
import subprocess
import sys
import tempfile

from kraken.base_api import SpotClient
from kraken.spot import SpotOrderBookClient
from kraken.spot.websocket import SpotWSClientBase

PAIRS = ["BTC/USD", "XRP/USD"]


class Book(SpotOrderBookClient):
    """Counts what the SDK says about each update."""

    def __init__(self, depth):
        super().__init__(depth=depth)
        self.updates = dict.fromkeys(PAIRS, 0)
        self.invalid = 0

    async def on_book_update(self, pair, message):
        self.updates[pair] += 1
        if not self.get(pair)["valid"]:
            self.invalid += 1


class Server:
    """The exchange as a child process; its counters are on its output."""

    def __init__(self, program, seconds, faults=None):
        args = [program, "--plain", "--seconds", str(seconds), "--seed", "3"]
        if faults:
            args += ["--faults", faults]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
        ws, rest = self.process.stdout.readline().split()
        SpotWSClientBase.WS_URL = ws.removesuffix("/v2")
        SpotClient.URL = rest

    def counters(self):
        self.process.send_signal(signal.SIGINT)
        last = self.process.communicate()[0].strip().splitlines()[-1]
        return {key: int(value) for key, value in re.findall(r"(\w+): (\d+)", last)}


async def watch(depths, pairs, seconds):
    books = [Book(depth) for depth in depths]
    for book in books:
        await book.start()
        await book.add_book(pairs=pairs)
    await asyncio.sleep(seconds)
    for book in books:
        await book.close()
    return books


def run(program, depths, pairs, seconds, faults=None):
    server = Server(program, seconds + 60, faults)
    books = asyncio.run(watch(depths, pairs, seconds))
    counters = server.counters()
    for book in books:
        print(f"depth {book.depth}: {book.updates} updates, {book.invalid} invalid")
    print(counters)
    return books, counters


def main():
    program = sys.argv[1]
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60

    books, counters = run(program, [10, 100], PAIRS, seconds)
    ok = all(book.invalid == 0 and min(book.updates.values()) > 100 for book in books)
    ok = ok and counters["unsubscribes"] == 0 and counters["subscribes"] == 4
    print("valid books:", "ok" if ok else "FAILED")

    with tempfile.NamedTemporaryFile("w", suffix=".toml") as script:
        script.write('[[fault]]\nkind = "bad_checksum"\nsymbol = "BTC/USD"\nat_message = 100\n')
        script.flush()
        books, counters = run(program, [10], ["BTC/USD"], 20, script.name)
    caught = counters["unsubscribes"] == 1 and counters["subscribes"] == 2
    caught = caught and counters["faults_fired"] == 1
    print("bad checksum:", "ok" if caught else "FAILED")
    return 0 if ok and caught else 1


if __name__ == "__main__":
    sys.exit(main())
