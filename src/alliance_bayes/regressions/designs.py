"""Designs whose coefficients no data can tell apart, found before anything is drawn."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..names import in_words
from ..spec.association import BETWEEN, WITHIN, RandomInterceptRegression

__all__ = ["indistinct_columns", "split_problems"]

Array = NDArray[np.float64]

# Bambi's priors allow a coefficient 2.5 SDs of the outcome per SD of its column. What the other columns leave of one
# can then move the outcome by 2.5 of its SDs times the share that is left: with a thousandth, priors alone decide.
LEAST_LEFT = 1e-3
# The mean of n values differs between people by chance by 1 / sqrt(n) of the SD within them. A thousandth of it would
# take a million rows of each person: it is centring within persons, whose rounding is left.
LEAST_BETWEEN = 1e-3
ROUNDING = 1e-12  # of the largest value: what differences of equal numbers may leave in double precision
SMALL = 0.01  # of the largest contribution to a linear combination: not worth naming


def split_problems(regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame) -> list[str]:
    """Exposures that cannot be split into the person's mean and the deviation from it, one sentence each.

    Parameters
    ----------
    regression, outcome
        What is asked.
    rows
        Its `complete_rows`.
    """
    found = []
    for name in regression.exposures:
        between, within = (rows[name + end].to_numpy(float) for end in (BETWEEN, WITHIN))
        over = f"The exposure '{name}' {{}} over the rows of '{outcome}'"
        if np.abs(within).max() <= ROUNDING * np.abs(rows[name]).max():
            found.append(
                f"{over.format('does not change within persons')}, so that it has no deviation from the person's mean. "
                f"Leave it out of exposures; it may stay in the formula."
            )
        elif between.std() < LEAST_BETWEEN * within.std():
            found.append(
                f"{over.format('does not differ between persons')}: their means have an SD of {between.std():.2g}, "
                f"deviations from them one of {within.std():.2g}, as in a column that was centred within persons. Give "
                "the column as it was measured, since it is split here. One whose person means are equal by design may "
                "be in the formula, but not among the exposures."
            )
    return found


def indistinct_columns(names: Sequence[str], design: Array, *, intercept: bool) -> list[str]:
    """Columns that are constant, or nearly a linear combination of columns before them, one sentence each.

    Parameters
    ----------
    names
        Of the columns.
    design
        Shape ``(row, column)``, without the intercept.
    intercept
        Whether the regression has one, of which a constant column is a multiple.
    """
    largest = np.abs(design).max(axis=0, initial=0.0)
    scaled = design / np.where(largest > 0, largest, 1.0)
    if intercept:
        scaled = scaled - scaled.mean(axis=0)
    sizes = np.sqrt((scaled**2).mean(axis=0))
    found, kept = [], np.zeros((len(design), 0))
    of_kept: list[str] = []
    for name, column, size in zip(names, scaled.T, sizes, strict=True):
        if np.abs(column).max(initial=0.0) <= ROUNDING:
            found.append(f"'{name}' is {'the same in all rows' if intercept else '0 in all rows'}. Leave it out.")
            continue
        column = column / size
        weights = np.linalg.lstsq(kept, column)[0] if of_kept else np.zeros(0)
        left = float(np.sqrt(((column - kept @ weights) ** 2).mean()))
        if left >= LEAST_LEFT:
            kept, of_kept = np.column_stack([kept, column]), [*of_kept, name]
            continue
        parts = [
            part
            for part, weight in zip(of_kept, np.abs(weights), strict=True)
            if weight > SMALL * np.abs(weights).max()
        ]
        found.append(
            f"'{name}' is nearly a linear combination of {in_words([f"'{part}'" for part in parts])}: without it "
            f"{left:.1g} of its SD is left, so that their coefficients cannot be told apart. Leave one of them out, "
            "or, of powers and products, centre the variables first (time by time_zero)."
        )
    return found
