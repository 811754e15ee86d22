"""Recomputes the verdicts of comparisons from their saved measurements.

A session's folder may have `verdicts/`, with one saved measurement a file. Nothing is there yet: `check` is
the place where each is held against what the product printed.
"""


def check(_folder):
    """Returns what was checked, by name."""
    return {"verdicts": 0}
