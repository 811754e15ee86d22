"""Reads HdrHistogram interval logs (format 1.3, V2 compressed) and merges them by tag."""

import base64
import math
import struct
import zlib


class Histogram:
    """Counts by place, with the layout that the encoding states."""

    def __init__(self, lowest, highest, digits):
        self.layout = (lowest, highest, digits)
        needed = 2 * 10**digits
        self.half_magnitude = max(math.ceil(math.log2(needed)) - 1, 0)
        self.unit = int(math.floor(math.log2(lowest)))
        self.half = 1 << self.half_magnitude
        self.counts = {}

    def value_of(self, place):
        bucket = (place >> self.half_magnitude) - 1
        inside = (place & (self.half - 1)) + self.half
        if bucket < 0:
            inside -= self.half
            bucket = 0
        low = inside << (bucket + self.unit)
        size = 1 << (self.unit + bucket)
        return low, low + size - 1

    def add(self, other):
        if self.layout != other.layout:
            raise ValueError("histograms of other bounds")
        for place, count in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + count

    def total(self):
        return sum(self.counts.values())

    def largest(self):
        return self.value_of(max(self.counts))[1] if self.counts else 0

    def at(self, quantile):
        wanted = max(math.ceil(quantile * self.total()), 1)
        seen = 0
        for place in sorted(self.counts):
            seen += self.counts[place]
            if seen >= wanted:
                return self.value_of(place)[1]
        return 0


def _decode(text):
    data = base64.b64decode(text)
    cookie, length = struct.unpack_from(">II", data, 0)
    if cookie & ~0xF0 != 0x1C849304 & ~0xF0:
        raise ValueError(f"cookie {cookie:#x} is no compressed V2 histogram")
    data = zlib.decompress(data[8 : 8 + length])
    cookie, length, offset, digits, lowest, highest, _ = struct.unpack_from(">IIIIQQd", data, 0)
    if cookie & ~0xF0 != 0x1C849303 & ~0xF0 or offset != 0:
        raise ValueError(f"cookie {cookie:#x} is no V2 histogram")
    of = Histogram(lowest, highest, digits)
    at, end, place = 40, 40 + length, 0
    while at < end:
        value = shift = 0
        for index in range(9):
            byte = data[at]
            at += 1
            if index == 8:
                value |= byte << shift
                break
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        count = (value >> 1) ^ -(value & 1)
        if count < 0:
            place -= count
        else:
            if count:
                of.counts[place] = count
            place += 1
    return of


def read(path):
    """The merged histogram of each tag, and how many intervals there were."""
    merged, rows = {}, 0
    with open(path, encoding="ascii") as file:
        for line in file:
            if not line.startswith("Tag="):
                continue
            tag, _, _, _, payload = line.rstrip("\n").split(",")
            of = _decode(payload)
            tag = tag[4:]
            if tag in merged:
                merged[tag].add(of)
            else:
                merged[tag] = of
            rows += 1
    return merged, rows
