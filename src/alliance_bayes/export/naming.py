"""Names of the parameters of a cross-lagged model, and the steps from wave to wave."""

from itertools import chain, combinations

from ..basics.names import lagged_path, number
from ..spec.cross_lagged import CrossLagged, Lags
from ..spec.steps import base_step, interval_names, steps_per_interval
from .facts import Facts

__all__ = ["Naming"]


class Naming:
    """What is called how, once the times of the waves are known.

    Attributes
    ----------
    measures, waves, intervals
        Measures, times of the waves and intervals between them, as they stand in names.
    transitions
        Every step from one deviation to the next: its interval, and the times it joins. More than one in an interval
        only with a grid.
    between_waves
        In each interval, the times of deviations that nobody observed.
    time_of
        Time as printed to time.
    standardized
        Whether deviations have variance 1.
    """

    def __init__(self, spec: CrossLagged, facts: Facts) -> None:
        self.spec = spec
        self.lags = spec.lags_for(facts.times)
        self.standardized = self.lags == "equal_standardized"
        self.measures = tuple(spec.measures)
        self.waves = tuple(map(number, facts.times))
        self.intervals = interval_names(facts.times)
        steps = _steps(facts.times, self.lags)
        self.time_of = {number(time): time for time in (facts.times[0], *chain(*steps))}
        ends = [(interval, number(time)) for interval, times in enumerate(steps) for time in times]
        starts = [self.waves[0], *(time for _, time in ends)]
        self.transitions = [(interval, start, end) for (interval, end), start in zip(ends, starts, strict=False)]
        self.between_waves = [tuple(map(number, times[:-1])) for times in steps]
        self._one_name = {path: paths[0] for paths in spec.equal for path in paths}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of different measures."""
        return list(combinations(self.measures, 2))

    def effect(self, predictor: str, outcome: str, interval: int) -> str | None:
        """Lagged effect over a step in an interval; None where it is 0."""
        path = lagged_path(predictor, outcome)
        over = f"{path}, {self.intervals[interval]}"
        if path in self.spec.remove or over in self.spec.remove:
            return None
        if self.standardized:
            return f"standardized {path}"
        return self._one_name.get(over, over) if self.lags == "free" else path

    def cell(self, kind: str, one: str, other: str, ending: str) -> str:
        """Variance or covariance; the order of the measures does not matter."""
        first, second = sorted((one, other), key=self.measures.index)
        what = f"variance {first}" if first == second else f"covariance {first}, {second}"
        return f"{kind} {what}{ending}"

    def innovation(self, one: str, other: str, interval: int) -> str:
        """Variance or covariance of innovations in an interval."""
        alike = self.lags != "free" if self.spec.is_stationary else self.spec.residuals == "equal"
        ending = "" if alike and not self.standardized else f", {self.intervals[interval]}"
        return self.cell("innovation", one, other, ending)

    def within_sd(self, measure: str, time: str) -> str:
        """SD of a deviation that is scaled to variance 1."""
        return f"within SD {measure}, {time}"

    def correlation(self, one: str, other: str, time: str) -> str:
        """Correlation of such deviations."""
        first, second = sorted((one, other), key=self.measures.index)
        return f"within correlation {first}, {second}, {time}"


def _steps(times: tuple[float, ...], lags: Lags) -> tuple[tuple[float, ...], ...]:
    """Times of the deviations in each interval, its end last; more than that only with a grid."""
    step = base_step(times)
    if lags != "grid" or step is None:
        return tuple((time,) for time in times[1:])
    return tuple(
        (*(start + step * passed for passed in range(1, steps)), end)
        for start, end, steps in zip(times, times[1:], steps_per_interval(times), strict=False)
    )
