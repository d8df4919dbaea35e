"""Exponentials of many numbers at once, the most frequent operation of the latent path."""

import math
from functools import partial

import numpy as np

from ...basics.compiled import Kernel

__all__ = ["BLOCK", "exponentials"]

BLOCK = 8  # doubles that a processor handles at once: loops over whole blocks leave nothing over
LEAST_EXPONENT = -700.0  # the exponential of less has no exponent of a normal double
LOG_2_HIGH, LOG_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # log 2 in two parts, the first exact
PER_LOG_2 = 1.0 / math.log(2.0)
ROUNDER = 1.5 * 2.0**52  # added to a number, it leaves the nearest whole number in the last bits
BIAS, BITS = 1023, 52  # of the exponent of a double


@partial(Kernel, fastmath=frozenset({"contract"}), allocates=False)  # no reordering of sums
def exponentials(values, count, work):
    """Divide numbers' exponentials by the highest of them, at least exp(-700); returns the logarithm of that.

    Written so that several at once are computed, to a few units in the last place. A reordering of sums would undo
    the rounding. `count` is a multiple of `BLOCK`, and `work` has the shape of `values`.
    """
    bits = work.view(np.int64)
    a, b, c, d = values[0], values[1], values[2], values[3]  # a comparison waits for the one before
    for place in range(4, count, 4):
        a, b = max(a, values[place]), max(b, values[place + 1])
        c, d = max(c, values[place + 2]), max(d, values[place + 3])
    peak = max(max(a, b), max(c, d))
    for place in range(count):
        x = max(values[place] - peak, LEAST_EXPONENT)
        shifted = x * PER_LOG_2 + ROUNDER
        work[place] = shifted
        whole = shifted - ROUNDER
        r = (x - whole * LOG_2_HIGH) - whole * LOG_2_LOW
        square = r * r
        high = (1 / 40320 + r * (1 / 362880)) + square * (1 / 3628800 + r * (1 / 39916800))
        low = (1 / 24 + r * (1 / 120)) + square * (1 / 720 + r * (1 / 5040))
        values[place] = 1.0 + r + square * ((0.5 + r * (1 / 6)) + square * (low + square * square * high))
    for place in range(count):
        bits[place] = (bits[place] + BIAS) << BITS
    for place in range(count):
        values[place] *= work[place]
    return peak
