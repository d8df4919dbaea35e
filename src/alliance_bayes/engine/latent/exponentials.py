"""Exponentials of many numbers at once, the most frequent operation of the latent path."""

import math

import numpy as np

from ...basics.compiled import Kernel

__all__ = ["exponentials"]

LEAST_EXPONENT = -700.0  # the exponential of less has no exponent of a normal double
LOG_2_HIGH, LOG_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # log 2 in two parts, the first exact
PER_LOG_2 = 1.0 / math.log(2.0)
ROUNDER = 1.5 * 2.0**52  # added to a number, it leaves the nearest whole number in the last bits
BIAS, BITS = 1023, 52  # of the exponent of a double


def _exponentials(values, count, work):
    """Replace the first `count` numbers, none far above 0, by their exponentials; below -700 counts as -700.

    Written so that several at once are computed, to a few units in the last place. A reordering of
    sums would undo the rounding. `work` has the shape of `values`.
    """
    bits = work.view(np.int64)
    for place in range(count):
        x = max(values[place], LEAST_EXPONENT)
        shifted = x * PER_LOG_2 + ROUNDER
        work[place] = shifted
        whole = shifted - ROUNDER
        r = (x - whole * LOG_2_HIGH) - whole * LOG_2_LOW
        tail = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800))))
        values[place] = 1.0 + r * (
            1.0 + r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * tail)))))
        )
    for place in range(count):
        bits[place] = (bits[place] + BIAS) << BITS
    for place in range(count):
        values[place] *= work[place]


exponentials = Kernel(_exponentials, frozenset({"contract"}), allocates=False)  # no reordering of sums
