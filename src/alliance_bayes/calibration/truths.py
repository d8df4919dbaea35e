"""The one bridge from the engine to the simulator: a draw of a model's parameters as a `Truth`.

Everything else about the simulator (equations, random numbers, families, state) is its own. What the bridge says is
held against the engine's population moments and probabilities by the tests.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from ..basics.names import lagged_path, quoted
from ..basics.problems import Problems, SpecError
from ..engine.keys import (
    ACCUMULATING,
    ACCUMULATING_SLOPE,
    ACCUMULATING_SLOPE_WITH_FIRST,
    ACCUMULATING_WITH_FIRST,
    ACCUMULATING_WITH_SLOPE,
    BETWEEN,
    DIFFUSION,
    DRIFT,
    FIRST,
    INNOVATION,
    LAGGED,
    LOADING,
    MODERATION,
    Key,
)
from ..engine.model_on_panel import PanelModel
from ..engine.parts.state import RESTART_MEAN, RESTART_VARIANCE
from ..engine.program import NOTHING
from ..families.cut_points import LOGIT, PROBIT, SPREAD
from ..panel import Panel
from ..simulation.groups import GroupTruth
from ..simulation.truth import Truth
from ..spec.cross_lagged import CrossLagged

__all__ = ["truth_of", "untranslatable"]

type Array = npt.NDArray[np.float64]

MEANS_OF_GROWTH = {
    False: {"means": Key("mean", "mean intercept"), "slope_means": Key("mean", "mean slope")},
    True: {
        "means": Key("mean", "mean"),
        "accumulating_means": Key("mean", "mean accumulating"),
        "slope_means": Key("mean", "mean accumulating slope"),
    },
}


def untranslatable(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Sentences on what of a model or a panel the simulator cannot draw."""
    if spec.lags == "equal_standardized":
        yield "lags='equal_standardized' with innovations of any size cannot be simulated; use lags='equal'."
    if spec.reliability:
        yield (
            f"The known reliability of {quoted(spec.reliability)} is a share of the panel's variance in the model and "
            "of each truth's own variance in the simulator; leave it out, or use ab.STARTS(...)."
        )
    for name, family in spec.random_families.items():
        if family.given_columns:
            yield (
                f"The amount of '{name}' is in the column '{family.given_columns[0]}', which the simulator does not "
                "draw; give the model a number, or one for each wave."
            )
    if spec.accumulating and spec.growth and spec.lags_for(panel.times) in ("free", "continuous"):
        yield "An ALT with lags that differ between intervals depends on where values are centred; use lags='equal'."
    if panel.background.group_times:
        yield "Studies with waves of their own cannot be simulated together; calibrate the model on one of them."


def truth_of(model: PanelModel, theta: Array) -> Truth | GroupTruth:
    """The population that has these parameters.

    Parameters
    ----------
    model
        Model on a panel, whose times, covariates' means and SDs, and units are used.
    theta
        Parameters of the linear system in the model's unit, shape ``(parameter,)``.

    Raises
    ------
    SpecError
        If the simulator cannot draw such a population.
    """
    problems = Problems("This model cannot be simulated from its prior")
    problems.found += untranslatable(model.spec, model.panel)
    problems.raise_as(SpecError)
    raw = model.to_raw(theta)
    if not model.design.groups:
        return _Reader(model, raw, 0).truth()
    truths = {label: _Reader(model, raw, group).truth() for group, label in enumerate(model.design.groups)}
    return GroupTruth(truths)


@dataclass(frozen=True, eq=False)
class _Reader:
    """Parameters of one group, in raw units."""

    model: PanelModel
    raw: Array
    group: int

    def truth(self) -> Truth:
        """All of them as arguments of a truth."""
        spec = self.spec
        given: dict[str, Any] = self._variances() | self._dynamics() | self._means()
        if spec.indicators:
            given |= self._indicators()
        if spec.conditioned_on or spec.moderated:
            given["covariates"] = self._covariates()
        if spec.random_families:
            given["responses"] = {name: self._responses(name) for name in spec.random_families}
        if spec.state is not None:
            given["state"] = self._state()
        if spec.selection:
            given["selection"] = {each.of: self._selection(each.of) for each in spec.selection}
        return Truth(spec, times=self.model.design.times_of(self.group), **given)

    @property
    def spec(self) -> CrossLagged:
        return self.model.spec

    @property
    def names(self) -> Sequence[str]:
        return self.spec.measures

    def at(self, key: Key, occasion: int | None = None) -> Array:
        """Values of an array, 0 where they are fixed."""
        positions = self.model.layout.table.at(key, self.group, occasion)
        return np.asarray(np.where(positions == NOTHING, 0.0, self.raw[positions]))

    def has(self, key: Key, occasion: int | None = None) -> bool:
        return self.model.layout.table.has(key, self.group, occasion)

    # ---- variances ----

    @property
    def within(self) -> Array:
        """Within-person covariance at the first wave; given the accumulating factors where there are any."""
        first = self.at(FIRST)
        if not self.spec.accumulating:
            return first
        factors, crossing = self._accumulating()
        return np.asarray(first - crossing.T @ np.linalg.solve(factors, crossing))

    @property
    def within_sds(self) -> Array:
        return np.asarray(np.sqrt(np.diag(self.within)))

    @property
    def errors(self) -> Array:
        """Variances of measurement error."""
        return self.at(Key("error", "error variance")) if self.spec.error else np.zeros(len(self.names))

    @property
    def total_sds(self) -> Array:
        between = self.at(BETWEEN) if self.spec.random_intercepts else np.zeros_like(self.within)
        sds = np.sqrt(np.diag(self.at(FIRST) + between) + self.errors)
        # That of a linear predictor is 1 by definition, and not only up to rounding.
        return np.where([name in self.spec.random_families for name in self.names], 1.0, sds)

    def _accumulating(self) -> tuple[Array, Array]:
        """Covariance of the accumulating factors, slopes after them, and theirs with the first wave."""
        if not self.spec.growth:
            return self.at(ACCUMULATING), self.at(ACCUMULATING_WITH_FIRST)
        across = self.at(ACCUMULATING_WITH_SLOPE)
        factors = np.block([[self.at(ACCUMULATING), across], [across.T, self.at(ACCUMULATING_SLOPE)]])
        return factors, np.vstack([self.at(ACCUMULATING_WITH_FIRST), self.at(ACCUMULATING_SLOPE_WITH_FIRST)])

    def _variances(self) -> dict[str, Any]:
        spec, total = self.spec, self.total_sds
        given: dict[str, Any] = {"sds": self._each(total), "within_correlation": _correlation(self.within)}
        if spec.random_intercepts:
            between = self.at(BETWEEN)
            given |= {
                "icc": self._each(np.diag(between) / total**2),
                "between_correlation": _correlation(between),
            }
            if spec.growth:
                slope, across = self.at(Key("growth", "slope")), self.at(Key("growth", "between with slope"))
                given |= self._slopes(slope, across, between)
        if spec.error:
            given["error_share"] = self._each(self.errors / (np.diag(self.within) + self.errors))
        if spec.accumulating:
            accumulating, first = self.at(ACCUMULATING), self.at(FIRST)
            given |= {
                "accumulating_sds": self._each(_sds(accumulating)),
                "accumulating_correlation": _correlation(accumulating),
                "first_accumulating_correlation": self._crossed(
                    self.at(ACCUMULATING_WITH_FIRST).T, first, accumulating
                ),
            }
            if spec.growth:
                slope, across = self.at(ACCUMULATING_SLOPE), self.at(ACCUMULATING_WITH_SLOPE)
                given |= self._slopes(slope, across, accumulating)
                with_first = self.at(ACCUMULATING_SLOPE_WITH_FIRST).T
                given["first_slope_correlation"] = self._crossed(with_first, first, slope)
        first_free = 2 if spec.accumulating else 1
        if spec.free_loadings:
            waves = range(first_free, len(self.model.design.times))
            loadings = np.array([self.at(LOADING, wave) for wave in waves])
            given["trait_loadings"] = self._each(loadings.T.tolist())
        return given

    def _slopes(self, slope: Array, across: Array, factors: Array) -> dict[str, Any]:
        return {
            "slope_sds": self._each(_sds(slope)),
            "slope_correlation": _correlation(slope),
            "intercept_slope_correlation": self._crossed(across, factors, slope),
        }

    # ---- dynamics ----

    def _dynamics(self) -> dict[str, Any]:
        spec, unit = self.spec, self.within_sds
        intervals = range(len(self.model.design.times_of(self.group)) - 1)
        lags = spec.lags_for(self.model.design.times)
        given: dict[str, Any] = {}
        if lags == "continuous":
            given["drift"] = self._paths([self._standardized(self.at(DRIFT))])
        elif lags == "free":
            given["lagged"] = self._paths([self._standardized(self.at(LAGGED, occasion)) for occasion in intervals])
        else:
            given["lagged"] = self._paths([self._standardized(self.at(LAGGED))])
        if not spec.is_stationary:
            key = DIFFUSION if lags == "continuous" else INNOVATION
            matrices = [self.at(key, occasion) / np.outer(unit, unit) for occasion in intervals]
            one = lags == "continuous" or spec.residuals == "equal"
            given["innovations"] = matrices[0] if one else np.array(matrices)
        if spec.lag_2:
            second = self._paths([self._standardized(self.at(Key("lagged", of=("lag 2",))))])
            given["lag_2"] = {path: effect for path, effect in second.items() if path in spec.lag_2}
        if spec.moderated:
            given["moderation"] = {}
            for place, (path, name) in enumerate(spec.moderated.items()):
                change = self._standardized(self.at(MODERATION, place)) * self.model.design.scales[name]
                given["moderation"][path] = self._paths([change])[path]
        return given

    def _standardized(self, effects: Array) -> Array:
        """Effects, or a drift, in within-person SDs at the first wave; dims (outcome, predictor)."""
        unit = self.within_sds
        return np.asarray(effects * unit / unit[:, None])

    def _paths(self, matrices: Sequence[Array]) -> dict[str, Any]:
        """Effects by path: one number, or one for each interval."""
        effects: dict[str, Any] = {}
        for row, outcome in enumerate(self.names):
            for column, predictor in enumerate(self.names):
                values = [float(matrix[row, column]) for matrix in matrices]
                path = lagged_path(predictor, outcome)
                if path not in self.spec.remove:
                    effects[path] = values if len(values) > 1 else values[0]
        return effects

    # ---- means, indicators, covariates ----

    def _means(self) -> dict[str, Any]:
        spec = self.spec
        if spec.growth:
            means = {name: self.at(key, 0) for name, key in MEANS_OF_GROWTH[spec.accumulating].items()}
            if spec.accumulating:  # they act on values about the panel's centre, and in a truth on values
                lag = self.at(LAGGED)
                means["accumulating_means"] = means["accumulating_means"] + self.model.centre - lag @ self.model.centre
            return {name: self._each(of_measures) for name, of_measures in means.items()}
        key, waves = Key("mean", "mean"), range(len(self.model.design.times_of(self.group)))
        if spec.means == "equal" and not spec.random_families:
            return {"means": self._each(self.at(key, 0))}
        if spec.means == "equal":
            return {"means": self._each(self.at(key, 0) if self.has(key, 0) else np.zeros(len(self.names)))}
        return {"means": self._each(np.array([self.at(key, wave) for wave in waves]).T.tolist())}

    def _indicators(self) -> dict[str, Any]:
        spec, waves = self.spec, range(len(self.model.design.times))
        changes = {
            "loadings": spec.invariance in ("configural", "approximate"),
            "item_intercepts": spec.invariance in ("configural", "weak", "approximate"),
            "unique_sds": spec.invariance != "strict",
        }
        found: dict[str, dict[str, Any]] = {name: {} for name in changes}
        table = self.model.layout.table
        for measure, items in spec.indicators.items():
            keys = {
                "loadings": Key("item", "loading", (measure,)),
                "item_intercepts": Key("item", "item intercept", (measure,)),
                "unique_sds": Key("item", "unique variance", (measure,)),
            }
            for name, key in keys.items():
                free = table.at(key, self.group, 0) != NOTHING
                values = np.array([self.at(key, wave) for wave in waves])
                values = np.sqrt(values) if name == "unique_sds" else values
                for item, is_free, of_item in zip(items, free, values.T, strict=True):
                    if is_free:
                        found[name][item] = of_item.tolist() if changes[name] else float(of_item[0])
        return dict(found)

    def _covariates(self) -> dict[str, dict[str, Any]]:
        spec, design = self.spec, self.model.design
        waves = range(len(design.times_of(self.group)))
        entries: dict[str, dict[str, Any]] = {}
        for name in dict.fromkeys([*spec.conditioned_on, *spec.moderated.values()]):
            varies = name not in self.model.panel.covariates
            values = None if varies else self.model.panel.covariates[name]
            if values is not None and set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}:
                entries[name] = {"probability": design.centres[name]}
            else:
                entries[name] = {"mean": design.centres[name], "sd": design.scales[name]}
            if varies:
                entries[name]["varies"] = True
            for target in spec.covariates.get(name, ()):
                key = Key("covariate", of=(name, target))
                if target == "each_wave":
                    effects = np.array([self.at(key, wave) for wave in waves]).T.tolist()
                else:
                    effects = self.at(key).tolist()
                entries[name][target] = dict(zip(self.names, effects, strict=True))
        return entries

    # ---- families, state, selection ----

    def _responses(self, measure: str) -> dict[str, Any]:
        family = self.spec.random_families[measure]
        values = self.at(Key("family", of=(measure,)))
        by_name = dict(zip([parameter.name for parameter in family.parameters], values.tolist(), strict=True))
        numbers: dict[str, Any] = {}
        left: dict[str, float] = {}
        for parameter in family.parameters:
            value = by_name[parameter.name]
            if not parameter.link:
                numbers[parameter.name] = value
                continue
            left[parameter.slope] = left.get(parameter.slope, 1.0) * (1 - value)
            above, probit = left[parameter.slope], parameter.link == "probit"
            quantile = -ndtri(above) if probit else -logit(above)
            spread = np.sqrt(1 + SPREAD[PROBIT if probit else LOGIT] * by_name[parameter.slope] ** 2)
            scale = f"cuts {parameter.slope.removeprefix('loading').removeprefix('slope').strip()}".strip()
            numbers.setdefault(scale, []).append(float(quantile * spread))
        return numbers

    def _state(self) -> dict[str, Any]:
        state, waves = self.spec.state, range(1, len(self.model.design.times))
        assert state is not None
        within, total = self.within_sds, self.total_sds
        given: dict[str, Any] = {}
        for key, word, predictors, occasions in (
            ("first", "first", state.first, [0]),
            ("acquire", "acquired", state.acquire, list(waves)),
            ("keep", "kept", state.keep, list(waves)),
        ):
            effects = self.at(Key("state", of=(word,)))
            given[key] = self._regression(Key("state", "intercept", (word,)), occasions) | self._log_odds(
                predictors, effects
            )
        if state.acts_on:
            shifts = self.at(Key("state", of=("shift",))) / total
            given["acts_on"] = {name: float(shifts[self.names.index(name)]) for name in state.acts_on}
        if state.required_by:
            means, sds = self.at(RESTART_MEAN) / total, np.sqrt(self.at(RESTART_VARIANCE)) / within
            given["restart"] = {
                name: {"mean": float(means[self.names.index(name)]), "sd": float(sds[self.names.index(name)])}
                for name in state.required_by
            }
        return given

    def _selection(self, of: str) -> dict[str, Any]:
        selection = next(each for each in self.spec.selection if each.of == of)
        occasions = list(range(selection.first_wave, len(self.model.design.times)))
        on, before = (self.at(Key("selection", of=(of, word))) for word in ("on", "before"))
        return self._regression(Key("selection", "intercept", (of,)), occasions) | {
            "on": self._log_odds(selection.on, on),
            "before": self._log_odds(selection.before, before),
        }

    def _regression(self, key: Key, occasions: Sequence[int]) -> dict[str, Any]:
        """Chances where all predictors are at their means: one number, or one for each occasion."""
        chances = [float(expit(self.at(key, occasion)[0])) for occasion in occasions]
        return {"chance": chances if len(chances) > 1 else chances[0]}

    def _log_odds(self, predictors: Sequence[str], effects: Array) -> dict[str, float]:
        """Effects per SD of each predictor."""
        total, scales = dict(zip(self.names, self.total_sds, strict=True)), self.model.design.scales
        return {
            name: float(effect * (total[name] if name in total else scales[name]))
            for name, effect in zip(predictors, effects, strict=True)
        }

    # ---- by name ----

    def _each(self, values: Any) -> dict[str, Any]:
        """A value of each measure."""
        return {
            name: value if isinstance(value, list) else float(value)
            for name, value in zip(self.names, values, strict=True)
        }

    def _crossed(self, covariance: Array, rows: Array, columns: Array) -> Mapping[str, float]:
        """Correlations by ordered pairs."""
        correlations = covariance / np.outer(_sds(rows), _sds(columns))
        return {
            f"{one}, {other}": float(correlations[row, column])
            for row, one in enumerate(self.names)
            for column, other in enumerate(self.names)
        }


def _sds(covariance: Array) -> Array:
    return np.asarray(np.sqrt(np.diag(covariance)))


def _correlation(covariance: Array) -> Array:
    sds = _sds(covariance)
    correlation = covariance / np.outer(sds, sds)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)
