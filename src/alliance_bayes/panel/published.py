"""Means and covariances from published tables, of one study or of several."""

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import numpy.typing as npt

from ..basics.given import is_number, shown
from ..basics.names import number, quoted
from ..basics.problems import PanelError, Problems
from .arrays import numbers_of
from .checks import LARGEST, SMALLEST, check_measures, check_resolution, check_times, check_unit
from .panel_data import PanelData
from .patterns import PatternSums
from .records import Absence, Background, Moments

__all__ = ["joined_studies", "published_moments"]

FloatArray = npt.NDArray[np.float64]

MOST_PERSONS = 10**12


def published_moments(
    measures: Sequence[str],
    times: Sequence[float],
    n: int,
    means: npt.ArrayLike,
    covariance: npt.ArrayLike | None,
    correlation: npt.ArrayLike | None,
    sds: npt.ArrayLike | None,
    divisor: str,
    time_unit: str | None,
) -> tuple[tuple[str, ...], tuple[float, ...], Moments]:
    """Checked measures and times, and the moments, one complete pattern."""
    problems = Problems("The published moments are not yet a panel")
    names = check_measures(measures, problems)
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.add(f"The measure '{name}' is named {names.count(name)} times.")
    real = check_times(times, problems)
    check_unit(time_unit, problems)
    if divisor not in ("n-1", "n"):
        problems.add(f"divisor={divisor!r} is not a choice; use 'n-1' (as in most tables) or 'n'.")
    if problems.found or real is None:
        problems.raise_as(PanelError)
        raise AssertionError("unusable times are a problem")

    labels = [f"{name} at {number(time)}" for time in real for name in names]
    check_n(n, len(labels), problems)
    mean = array(means, "means", [(len(real), len(names)), (len(labels),)], problems)
    matrix = given_covariance(covariance, correlation, sds, labels, len(names), problems)
    if mean is not None and matrix is not None:
        for label, centre, spread in zip(labels, mean.ravel(), np.sqrt(np.diag(matrix)), strict=True):
            check_resolution(label, abs(float(centre)), float(spread), problems)
    problems.raise_as(PanelError)
    assert mean is not None
    assert matrix is not None
    if divisor == "n-1":
        matrix = matrix * ((n - 1) / n)
    shape = (len(real), len(names))
    counts = np.zeros((len(Absence), *shape), dtype=np.int64)
    counts[Absence.OBSERVED] = n
    moments = Moments(
        np.array([int(n)]), np.ones((1, *shape), dtype=bool), mean.reshape(1, *shape), matrix[None], counts
    )
    return tuple(names), real, moments


def check_n(n: object, size: int, problems: Problems) -> None:
    if isinstance(n, Real) and not isinstance(n, bool) and n > MOST_PERSONS:  # type: ignore[operator]
        problems.add(f"n must be at most {MOST_PERSONS:,} persons; got {shown(n)}.")
    elif not is_number(n) or not float(n).is_integer():
        problems.add(f"n must be a whole number of persons; got {shown(n)}.")
    elif n <= size:
        problems.add(
            f"n is {number(float(n))}, but {size} measures x times have a covariance matrix of full rank "
            f"only with more than {size} persons."
        )


def given_covariance(
    covariance: npt.ArrayLike | None,
    correlation: npt.ArrayLike | None,
    sds: npt.ArrayLike | None,
    labels: Sequence[str],
    n_measures: int,
    problems: Problems,
) -> FloatArray | None:
    """Covariance matrix from whichever form was given; None where there is a problem."""
    size = len(labels)
    before = len(problems.found)
    if covariance is not None and (correlation is not None or sds is not None):
        problems.add("Both a covariance and a correlation or sds are given; pass one of the two forms.")
        return None
    if covariance is None and (correlation is None or sds is None):
        problems.add("No covariance: pass covariance=..., or both correlation=... and sds=...")
        return None
    if covariance is not None:
        matrix = square(covariance, "covariance", labels, problems)
        if matrix is not None and (np.diag(matrix) <= 0).any():
            k = int(np.argmax(np.diag(matrix) <= 0))
            problems.add(f"The variance of {labels[k]} is {number(matrix[k, k])}; variances must be above 0.")
        elif matrix is not None:
            check_sds(np.sqrt(np.diag(matrix)), labels, problems)
    else:
        assert correlation is not None
        assert sds is not None
        sd = array(sds, "sds", [(size // n_measures, n_measures), (size,)], problems)
        matrix = square(correlation, "correlation", labels, problems)
        if sd is not None and (sd.ravel() <= 0).any():
            k = int(np.argmax(sd.ravel() <= 0))
            problems.add(f"The SD of {labels[k]} is {number(sd.ravel()[k])}; SDs must be above 0.")
        elif sd is not None:
            check_sds(sd.ravel(), labels, problems)
        if matrix is not None and not np.allclose(np.diag(matrix), 1, rtol=0, atol=1e-8):
            k = int(np.argmax(np.abs(np.diag(matrix) - 1)))
            problems.add(
                f"The correlation of {labels[k]} with itself is {number(matrix[k, k])}, not 1; "
                "pass covariances as covariance=..."
            )
        if matrix is not None and sd is not None and len(problems.found) == before:
            matrix = matrix * np.outer(sd, sd)
    if matrix is None or len(problems.found) > before:
        return None
    scale = np.sqrt(np.diag(matrix))
    smallest = float(np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0])
    if smallest <= 1e-10:
        problems.add(
            f"The correlations contradict one another: their matrix has the eigenvalue {smallest:.2g} "
            "and is not positive definite. Look for a misprint, or use more decimals."
        )
        return None
    return (matrix + matrix.T) / 2


def check_sds(sds: FloatArray, labels: Sequence[str], problems: Problems) -> None:
    """Whether SDs are of a size that can be computed with."""
    odd = np.flatnonzero((sds > LARGEST) | (sds < SMALLEST))
    if odd.size:
        problems.add(
            f"The SD of {labels[odd[0]]} is {number(sds[odd[0]])}; what lies beyond {SMALLEST:g} to {LARGEST:g} "
            "cannot be computed with. Give it in another unit."
        )


def square(given: npt.ArrayLike, name: str, labels: Sequence[str], problems: Problems) -> FloatArray | None:
    matrix = array(given, name, [(len(labels), len(labels))], problems)
    if matrix is None:
        return None
    scale = np.sqrt(np.abs(np.diag(matrix)))
    gap = np.abs(matrix - matrix.T) > 1e-8 * np.outer(scale, scale) + 1e-12
    if gap.any():
        i, j = (int(k[0]) for k in np.nonzero(gap))
        triangle = not np.triu(matrix, 1).any() or not np.tril(matrix, -1).any()
        cure = (
            "Fill in the other triangle: matrix + matrix.T - numpy.diag(numpy.diag(matrix))."
            if triangle
            else "Correct one of the two."
        )
        problems.add(
            f"The {name} is not symmetric: {labels[i]} with {labels[j]} is {number(matrix[i, j])} above the diagonal "
            f"and {number(matrix[j, i])} below it. {cure}"
        )
        return None
    return matrix


def array(given: npt.ArrayLike, name: str, shapes: Sequence[tuple[int, ...]], problems: Problems) -> FloatArray | None:
    """An array of one of these shapes, finite throughout; None where it is not."""
    try:
        np.array(given, dtype=np.complex128)  # numbers_of says what is complex
    except (TypeError, ValueError, OverflowError):
        expected = " or ".join(str(shape) for shape in shapes)
        problems.add(f"{name} must be numbers of shape {expected}, wave by wave.")
        return None
    values = numbers_of(given, name, shapes, "wave by wave (x1, y1, x2, y2, ...)", problems)
    if values is None:
        return None
    strange = np.flatnonzero(~np.isfinite(values))
    if strange.size:
        where = ", ".join(str(int(i)) for i in np.unravel_index(strange[0], values.shape))
        problems.add(f"{name} has missing or infinite entries: {strange.size}, first [{where}].")
        return None
    return values


def joined_studies(
    studies: Mapping[str, PanelData],
) -> tuple[tuple[str, ...], tuple[float, ...], Moments, Background]:
    """Measures, times of the longest study, moments of all patterns, and which study each pattern belongs to."""
    problems = Problems("These studies cannot be joined")
    if not isinstance(studies, Mapping) or len(studies) < 2:
        raise PanelError(f"studies must map two or more names to their panels; got {shown(studies)}.")
    for name, panel in studies.items():
        if not isinstance(name, str) or not name:
            problems.add(f"The name of a study must be a text; got {name!r}.")
        if not hasattr(panel, "moments"):
            problems.add(f"The study {name!r} is {shown(panel)}, no panel; make it with Panel.from_moments.")
    problems.raise_as(PanelError)
    (first, reference), *_ = studies.items()
    for name, panel in studies.items():
        if set(panel.measures) != set(reference.measures):
            problems.add(
                f"'{name}' has the measures {quoted(panel.measures)}, and '{first}' {quoted(reference.measures)}; give "
                "the same constructs the same names."
            )
        if panel.background.group_labels:
            problems.add(f"'{name}' has groups of its own; give each of them as a study.")
        if panel.own_times is not None or panel.covariates:
            problems.add(
                f"'{name}' holds covariates or own times, which several studies at once cannot use; leave them out."
            )
    problems.raise_as(PanelError)
    measures = reference.measures
    longest = max(studies.values(), key=lambda panel: panel.n_times)
    n_times, n_measures = longest.n_times, len(measures)
    parts = {name: _patterns(panel, measures) for name, panel in studies.items()}
    labels = [name for name, patterns in parts.items() for _ in patterns[0]]
    n_patterns, size = len(labels), n_times * n_measures
    observed = np.zeros((n_patterns, n_times, n_measures), dtype=bool)
    means = np.full((n_patterns, n_times, n_measures), np.nan)
    covariance = np.full((n_patterns, size, size), np.nan)
    start = 0
    for n, cells, mean, scatter in parts.values():
        stop, waves = start + len(n), cells.shape[1]
        observed[start:stop, :waves] = cells
        means[start:stop, :waves] = mean
        covariance[start:stop, : waves * n_measures, : waves * n_measures] = scatter
        start = stop
    people = np.concatenate([part[0] for part in parts.values()])
    counts = np.zeros((len(Absence), n_times, n_measures), dtype=np.int64)
    counts[Absence.OBSERVED] = np.einsum("p,ptm->tm", people, observed)
    background = Background(
        pattern_groups=np.array(labels), group_times={name: panel.times for name, panel in studies.items()}
    )
    return measures, longest.times, Moments(people, observed, means, covariance, counts), background


def _patterns(
    panel: PanelData, measures: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Counts, observed cells, means and covariances of a panel's patterns, those without any value left out."""
    chosen = [panel.measures.index(name) for name in measures]
    if panel.moments is not None:
        sums = PatternSums.of(panel.moments, chosen)
    else:
        sums = PatternSums()
        values = panel.require_persons("A study")[:, :, chosen].reshape(panel.n_persons, -1)
        sums.add_values(values[~np.isnan(values).all(axis=1)])
    return sums.arrays(panel.n_times, len(measures))
