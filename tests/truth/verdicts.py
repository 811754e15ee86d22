"""Recomputes the tables of comparisons from their saved measurements.

A folder has pairs of files: NAME.zst, a saved measurement (`paperwire compare --save`), and NAME.json, what the
product printed of it (`--json`). Shares no line with the product; docs/LATENCY.md, "Comparing two strategies",
describes the file and the estimate. Usage: verdicts.py FOLDER.
"""

import glob
import json
import math
import os
import subprocess
import sys

PERCENTILES = (("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999))
TABLES = ("service", "response")
NEAR = 1e-7


class Wrong(Exception):
    """The product printed something else."""


def unpack(path):
    try:
        from compression import zstd  # Python 3.14

        with open(path, "rb") as file:
            return zstd.decompress(file.read())
    except ImportError:
        return subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout


def t_below(t, freedom):
    """Share of Student's distribution below t >= 0, by Simpson's rule over the angle: t = sqrt(n) tan(x)."""
    end, steps = math.atan(t / math.sqrt(freedom)), 2000
    of = lambda x: math.cos(x) ** (freedom - 1)
    inner = sum((4 if i % 2 else 2) * of(end * i / steps) for i in range(1, steps))
    area = (of(0) + inner + of(end)) * end / steps / 3
    return 0.5 + area * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)


def t_quantile(share, freedom):
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_below(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def cell(bucket, step):
    """Edges of the values that a bucket stands for, at least a step of the clock apart."""
    if bucket < 2048:
        low, width = bucket, 1
    else:
        shift = bucket // 1024 - 1
        low, width = (bucket - shift * 1024) << shift, 1 << shift
    middle, width = low + (width - 1) / 2, max(width, step)
    return middle - width / 2, middle + width / 2


def percentile(counts, per_mille, step):
    """The value below which the cells hold a share of the observations, by halving."""
    cells = [(*cell(bucket, step), count) for bucket, count in counts.items()]
    wanted = sum(counts.values()) * per_mille / 1000
    below = lambda x: sum(n * min(max((x - a) / (b - a), 0.0), 1.0) for a, b, n in cells)
    low, high = min(a for a, _, _ in cells), max(b for _, b, _ in cells)
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < wanted - 1e-9 * sum(counts.values()) else (low, middle)
    return max(high, 0.25)


def merged(process, table, arm):
    counts = {}
    for block in process["outcome"]["blocks"]["list"]:
        for bucket, count in block[table][arm]:
            counts[bucket] = counts.get(bucket, 0) + count
    return counts


def differences(measurement, kind, table, per_mille, step):
    """Of each process: the logarithms of both, in the order of their names."""
    logs = []
    for process in measurement["processes"]:
        if process["plan"]["kind"] == kind:
            arms = [merged(process, table, arm) for arm in (0, 1)]
            logs.append([math.log(percentile(of, per_mille, step)) for of in arms])
    return logs


def interval(values, error):
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = t_quantile(1 - error / 2, len(values) - 1) * deviation / math.sqrt(len(values))
    return mean, mean - half, mean + half, deviation


def near(name, printed, computed):
    if printed is None or abs(printed - computed) > NEAR * max(1.0, abs(computed)):
        raise Wrong(f"{name}: printed {printed}, computed {computed}")


def verdict(a, b, low, high, deviation, count, step, detect, withheld):
    """The first word of the ladder that holds."""
    if withheld:
        return "withheld"
    if (low > 0 or high < 0) and abs(b - a) > step:
        return "slower" if low > 0 else "faster"
    wanted = math.log1p(detect)
    if -wanted < low and high < wanted:
        return "no difference"
    root = (t_quantile(1 - 0.05 / 16, count - 1) + t_quantile(0.95, count - 1)) * deviation / wanted
    return "too close" if step > detect * min(a, b) or math.ceil(root * root) > 300 else "not enough"


def is_defect(measurement, table, per_mille, step):
    """Whether one of the two differs from itself by more than a step of the clock."""
    for kind in ("twina", "twinb"):
        logs = differences(measurement, kind, table, per_mille, step)
        if len(logs) < 2:
            continue
        _, low, high, _ = interval([b - a for a, b in logs], 0.001)
        faster = min(math.exp(sum(of[arm] for of in logs) / len(logs)) for arm in (0, 1))
        if (low > 0 or high < 0) and faster * math.expm1(max(low, -high)) > step:
            return True
    return False


def check_one(measurement, printed):
    if len(measurement["sources"]) != 1:
        return 0
    sign = 1 if printed["a"] == measurement["names"][0] else -1
    step, detect = measurement["host"]["clock_step_ns"], printed["method"]["detect"]
    pairs = [process for process in measurement["processes"] if process["plan"]["kind"] == "pair"]
    cells = 0
    for table in TABLES:
        for (name, per_mille), row in zip(PERCENTILES, printed[table]):
            where = f"{table} {name}"
            needed = -(-100 * 1000 // (1000 - per_mille))
            calls = min(sum(merged(of, table, arm).values()) for of in pairs for arm in (0, 1))
            if calls < needed:
                if row["missing_calls"] != needed - calls or row["log_low"] is not None:
                    raise Wrong(f"{where}: {needed - calls} calls are missing, printed {row}")
                continue
            logs = differences(measurement, "pair", table, per_mille, step)
            mean, low, high, deviation = interval([b - a for a, b in logs], 0.05 / 8)
            ends = (low, high) if sign > 0 else (-high, -low)
            near(f"{where} log_ratio", row["log_ratio"], sign * mean)
            near(f"{where} log_low", row["log_low"], ends[0])
            near(f"{where} log_high", row["log_high"], ends[1])
            a, b = [math.exp(sum(of[arm] for of in logs) / len(logs)) for arm in (0, 1)][::sign]
            near(f"{where} a_ns", row["a_ns"], a)
            near(f"{where} b_ns", row["b_ns"], b)
            withheld = is_defect(measurement, table, per_mille, step)
            said = verdict(a, b, *ends, deviation, len(logs), step, detect, withheld)
            if not row["verdict"].startswith(said):
                raise Wrong(f"{where}: printed {row['verdict']!r}, computed {said!r}")
            cells += 1
    return cells


def check(folder):
    """Returns how many cells were checked, by name."""
    cells = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.zst"))):
        with open(path[: -len(".zst")] + ".json", encoding="utf-8") as file:
            cells += check_one(json.loads(unpack(path)), json.load(file))
    return {"verdicts": cells}


if __name__ == "__main__":
    try:
        print(json.dumps(check(sys.argv[1])))
    except Wrong as error:
        print(f"WRONG: {error}")
        sys.exit(1)
