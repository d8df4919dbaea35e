"""Means and covariances while a state comes and goes, against a recursion over waves written out by hand."""

from functools import reduce
from itertools import combinations, pairwise
from math import gcd

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.kernels.moments import moments_of_cells
from alliance_bayes.engine.model_on_panel import panel_model
from latent_people import TIMES, people

SEEN = ab.Selection("interview", on=["days"], before=["days", "alliance"], effect=ab.Normal(0.3, 0.5))
ANSWERED = ab.Selection("alliance", on=["alliance"], effect=ab.Normal(0.3, 0.5))
TWO, THREE = ["alliance", "days"], ["trust", "days", "alliance"]
SPONSOR = {"required_by": ["alliance"], "acquire": ["days", "age"], "keep": ["alliance", "days"], "acts_on": ["days"]}
BOTH = {"required_by": ["trust", "alliance"], "keep": ["trust", "work"], "first": ["work"], "acts_on": ["days"]}


class Sums:
    """Variables that are sums of normal sources: each is a constant and a row of weights."""

    def __init__(self):
        self.covariance = np.zeros((0, 0))

    def sources(self, covariance):
        old, new = len(self.covariance), len(covariance)
        whole = np.zeros((old + new, old + new))
        whole[:old, :old], whole[old:, old:] = self.covariance, covariance
        self.covariance = whole
        return [(0.0, {old + place: 1.0}) for place in range(new)]

    @staticmethod
    def total(*terms):
        """Sum of weight times variable; a bare number is a constant."""
        constant, weights = 0.0, {}
        for weight, variable in terms:
            part, sources = variable if isinstance(variable, tuple) else (variable, {})
            constant += weight * part
            for source, share in sources.items():
                weights[source] = weights.get(source, 0.0) + weight * share
        return constant, weights

    def moments(self, variables):
        matrix = np.zeros((len(variables), len(self.covariance)))
        for row, (_, weights) in enumerate(variables):
            for source, weight in weights.items():
                matrix[row, source] = weight
        return np.array([constant for constant, _ in variables]), matrix @ self.covariance @ matrix.T


def matrix_of(names, values, word, suffix=""):
    size = len(names)
    found = np.diag([values[f"{word} variance {name}{suffix}"] for name in names]).astype(float)
    for first, second in combinations(range(size), 2):
        found[first, second] = found[second, first] = values[
            f"{word} covariance {names[first]}, {names[second]}{suffix}"
        ]
    return found


def by_hand(spec, times, values, history, covariates):
    """Mean and covariance of measures by wave, state, selections, then covariates, from the equations of `State`.

    ``y_t = mean_t + loading_t i + w_t + shift S_t``; ``w_t = Phi w_t-1 + e_t`` over steps, or
    ``w_t = restart mean + e_t`` where what requires the state was not there or is a new one.
    """
    names, state, sums = list(spec.measures), spec.state, Sums()
    nothing = (0.0, {})
    given = dict(zip(covariates, sums.sources(np.eye(len(covariates))), strict=True))
    on = [each != 0 for each in history] or [True] * len(times)
    required = set(state.required_by) if state else set()

    def there(wave):
        return [name for name in names if on[wave] or name not in required]

    def regressed(variable, name, label):
        """Plus the effects of covariates that carry this label."""
        terms = [(values.get(f"{each} -> {label.format(name)}", 0.0), given[each]) for each in spec.covariates]
        return sums.total((1, variable), *terms)

    stable = dict.fromkeys(names, nothing)
    if spec.random_intercepts:
        drawn = sums.sources(matrix_of(names, values, "between"))
        stable = {name: regressed(each, name, "intercept {}") for name, each in zip(names, drawn, strict=True)}
    drawn = sums.sources(matrix_of(names, values, "within", f", {times[0]:g}"))
    start = {name: regressed(each, name, "within {}") for name, each in zip(names, drawn, strict=True)}
    within = [{name: start[name] for name in there(0)}]
    lengths = [round(b - a) for a, b in pairwise(times)]
    for wave, length in enumerate(lengths, start=1):
        label = f"{times[wave - 1]:g} to {times[wave]:g}"
        n_steps = length // reduce(gcd, lengths) if spec.lags == "grid" else 1
        lag = f", {label}" if spec.lags == "free" else ""
        noise = matrix_of(names, values, "innovation", f", {label}" if spec.residuals == "free" else "")
        anew = {n for n in there(wave) if n not in there(wave - 1) or (n in required and history[wave] == 2)}
        before = within[-1]
        for step in range(n_steps):
            last = step == n_steps - 1
            sds = np.sqrt(np.diag(noise))
            sizes = [
                np.sqrt(values[f"restart variance {name}"]) if last and name in anew else sd
                for name, sd in zip(names, sds, strict=True)
            ]
            scale = np.array(sizes) / sds
            fresh = dict(zip(names, sums.sources(noise * scale[:, None] * scale[None, :]), strict=True))
            now = {}
            for name in there(wave):
                if not last and name not in there(wave - 1):
                    continue
                if last and name in anew:
                    now[name] = sums.total((1, values[f"restart mean {name}"]), (1, fresh[name]))
                    continue
                carried = [(values.get(f"{other} -> {name}{lag}", 0.0), part) for other, part in before.items()]
                now[name] = sums.total((1, fresh[name]), *carried)
            before = now
        within.append(before)

    def deviation(name, wave):
        if name not in within[wave]:
            return nothing
        loading = values.get(f"loading {name}, {times[wave]:g}", 1.0)
        return sums.total((1, within[wave][name]), (loading, stable[name]))

    observed = []
    for wave, time in enumerate(times):
        for name in names:
            if name not in there(wave):
                observed.append(nothing)
                continue
            mean = values.get(f"mean {name}, {time:g}", values.get(f"mean {name}", 0.0))
            shift = values.get(f"{state.name} -> {name}", 0.0) if state and on[wave] else 0.0
            value = sums.total((1, mean + shift), (1, deviation(name, wave)))
            observed.append(regressed(regressed(value, name, f"{{}}, {time:g}"), name, "{}"))
    for wave, time in enumerate(times if state else ()):
        word = "" if wave == 0 else " kept" if on[wave - 1] else " acquired"
        predictors = {"": state.first, " kept": state.keep, " acquired": state.acquire}[word]
        ending = f", {time:g}" if wave == 0 else ""
        terms = [(1, values[f"intercept {state.name}{word}, {time:g}"])]
        for name in predictors:
            effect = values[f"{name} -> {state.name}{word}{ending}"]
            terms.append((effect, deviation(name, wave - 1) if name in names else given[name]))
        observed.append(sums.total(*terms))
    for each in spec.selection:
        for wave, time in enumerate(times):
            if each.of == "interview" and wave == 0:
                observed.append(nothing)
                continue
            terms = [(1, values[f"intercept {each.of} seen, {time:g}"])]
            terms += [(values[f"{name} -> {each.of} seen"], deviation(name, wave)) for name in each.on]
            if wave:
                terms += [(values[f"{n} before -> {each.of} seen"], deviation(n, wave - 1)) for n in each.before]
            observed.append(sums.total(*terms))
    return sums.moments([*observed, *given.values()])


GRID = {"lags": "grid"}
MODELS = {
    "riclpm grid": ab.RICLPM(TWO, **GRID, state=ab.State("sponsor", **SPONSOR), selection=[SEEN, ANSWERED]),
    "clpm grid": ab.CLPM(TWO, **GRID, state=ab.State("sponsor", **SPONSOR, same=0.8)),
    "three grid": ab.RICLPM(
        THREE,
        **GRID,
        families={"days": ab.Days(14)},
        state=ab.State("sponsor", **BOTH, same=0.6),
        covariates={"age": ["intercepts", "first_wave"], "work": "every_wave"},
    ),
    "three free": ab.RICLPM(
        THREE,
        lags="free",
        residuals="equal",
        state=ab.State("sponsor", ["trust", "alliance"], keep=["alliance"], same=0.9),
        covariates={"age": "each_wave"},
        selection=[SEEN],
        remove=["trust -> alliance", "days -> trust, 3 to 9"],
    ),
    "two equal": ab.RICLPM(
        TWO,
        lags="equal",
        means="equal",
        families={"alliance": ab.YesNo()},
        state=ab.State("sponsor", **SPONSOR),
        trait_loadings="free",
        selection=[ANSWERED],
    ),
    "a state that requires nothing": ab.CLPM(
        TWO, **GRID, state=ab.State("helper", acts_on=["alliance"], acquire=["days"])
    ),
    "selection alone": ab.RICLPM(THREE, **GRID, selection=[SEEN]),
}


@pytest.mark.parametrize("kind", MODELS)
def test_moments_of_every_history_are_those_of_the_equations(kind):
    spec = MODELS[kind]
    required = spec.state.required_by if spec.state else ()
    panel = people(30, 4, required=required, histories=np.array([(1, 1, 0, 1), (0, 1, 1, 1), (1,) * 4, (1, 0, 0, 0)]))
    if spec.families.get("alliance"):
        values = np.where(np.isnan(panel.values), np.nan, panel.values)
        values[:, :, 0] = np.where(np.isnan(values[:, :, 0]), np.nan, values[:, :, 0] > 5)
        panel = ab.Panel.from_arrays(
            values,
            measures=panel.measures,
            times=panel.times,
            requires=dict(panel.requires),
            states=dict(panel.states),
            covariates=dict(panel.covariates),
        )
    model = panel_model(spec, panel)
    histories = [cell.history for cell in model.design.cells]
    if spec.state:
        assert {(1, 1, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1)} <= set(histories)
        assert any(2 in history for history in histories) == (spec.state.same < 1)
    rng = np.random.default_rng(8)
    for _ in range(2):
        psi = model.scale.join(model.scale.draw(1, rng))[0]
        theta = run(psi, model.scale.arrays)[0][model.scale.arrays.output :][: len(model.system.names)]
        values = dict(zip(model.system.names, theta.tolist(), strict=True))
        registers, proper = run(theta, model.system.structure_arrays)
        assert proper
        means, covariances = moments_of_cells(registers, model.system.arrays)
        for cell, history in enumerate(histories):
            mean, covariance = by_hand(spec, TIMES, values, history, list(spec.conditioned_on))
            np.testing.assert_allclose(means[cell], mean, rtol=1e-9, atol=1e-9, err_msg=str(history))
            np.testing.assert_allclose(covariances[cell], covariance, rtol=1e-9, atol=1e-9, err_msg=str(history))
