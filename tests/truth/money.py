"""Money as the log means it: integers of 2^-64, and the few operations that round."""

from fractions import Fraction

ONE = 1 << 64


def parse(text):
    """The integer nearest to a decimal text."""
    exact = Fraction(text) * ONE
    whole, rest = divmod(exact.numerator, exact.denominator)
    return whole + (2 * rest >= exact.denominator)


def times(a, b):
    """A product, rounded down."""
    return (a * b) >> 64


def toward_zero(numerator, denominator):
    """A quotient of integers, cut."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def of_scaled(numerator, decimals):
    """`numerator / 10^decimals`, to the nearest integer, halves away from zero."""
    unit = 10**decimals
    scaled = (abs(numerator) << 64) * 2 + unit
    value = scaled // (2 * unit)
    return -value if numerator < 0 else value


def share(amount, part, whole):
    """`amount * part / whole`, cut; exact when nothing is left."""
    return toward_zero(amount, whole) * part + toward_zero(
        (amount - toward_zero(amount, whole) * whole) * part, whole
    )


def number(value):
    return value / ONE
