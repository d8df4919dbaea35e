"""Effects and innovations of a process in continuous time are right over every interval, however long or short."""

from dataclasses import replace
from itertools import pairwise

import mpmath
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy.stats import multivariate_normal

import alliance_bayes as ab
from alliance_bayes.engine.dynamics import Dynamics
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.engine.parameters import Workspace
from alliance_bayes.engine.program import Writer
from alliance_bayes.pymc_models.symbolic import _transition
from alliance_bayes.simulation.dynamics import _accumulated
from continuous_processes import DIGITS, LENGTHS, as_floats, diffusions, drifts, errors, exact, grid, in_digits
from engine_calls import output, pulled_back
from oracles.moments import output_of

CLOSE = 1e-10
PLAIN = Mode(linker="py", optimizer="fast_compile")
M = ["x", "y"]


@pytest.fixture(scope="module")
def processes():
    """The grid, and what is right there."""
    return [(name, drift * d, diffusion * d, exact(drift, diffusion, d)) for name, drift, diffusion, d in grid()]


def program_of(size, lengths=(1.0,)):
    """Effects, then innovation covariances, of all lengths; the inputs are a drift and a diffusion."""
    count = size * size
    writer = Writer(2 * count)
    drift, noise = np.arange(2 * count).reshape(2, size, size)
    return writer.program(np.stack(writer.transitions(drift, noise, lengths)))


def by_program(evaluate):
    def found(drift, noise):
        return evaluate(program_of(len(drift)), np.concatenate([drift.ravel(), noise.ravel()])).reshape(2, *drift.shape)

    return found


def by_graph():
    functions = {}

    def found(drift, noise):
        size = len(drift)
        if size not in functions:
            inputs = pt.dmatrix("drift"), pt.dmatrix("noise")
            squares = [pt.specify_shape(each, (size, size)) for each in inputs]
            functions[size] = pytensor.function(inputs, _transition(*squares, size), mode=PLAIN)
        return functions[size](drift, noise).reshape(2, size, size)

    return found


WAYS = {
    "kernel": by_program(output),
    "reference": by_program(output_of),
    "graph": by_graph(),
    "simulator": _accumulated,
}


@pytest.mark.parametrize("way", WAYS)
def test_effects_and_innovations_agree_with_90_digits(way, processes):
    assert len(processes) > 100
    found = {name: errors(WAYS[way](drift, noise), want) for name, drift, noise, want in processes}
    assert {name: error for name, error in found.items() if not max(error) < CLOSE} == {}


def test_effects_alone_agree_with_90_digits(processes):
    """Without noise, also where the norm is large because of units alone."""
    alone = by_program(output)
    found = {name: np.abs(alone(drift, 0 * drift)[0] - want[0]).max() for name, drift, _, want in processes}
    assert {name: error for name, error in found.items() if not error < CLOSE} == {}
    huge = alone(np.array([[-1e7, 1e9], [0.0, -0.5]]), np.zeros((2, 2)))[0]
    np.testing.assert_allclose(huge, [[0.0, np.exp(-0.5) * 1e9 / (1e7 - 0.5)], [0.0, np.exp(-0.5)]], rtol=1e-8)


def test_the_simulator_takes_many_processes_at_once(processes):
    """Fast and slow ones together, as persons of the same panel may have."""
    both = [each for each in processes if each[0].startswith("3, stiff")]
    effects, innovations = _accumulated(np.stack([each[1] for each in both]), np.stack([each[2] for each in both]))
    for place, (_, _, _, want) in enumerate(both):
        assert max(errors((effects[place], innovations[place]), want)) < CLOSE


def test_what_is_not_finite_has_no_transition():
    for entry in (np.nan, np.inf, -np.inf, 1e300):
        effects, innovation = by_program(output)(np.array([[-1.0, entry], [0.0, -1.0]]), np.eye(2))
        assert np.isnan(effects).all()
        assert np.isnan(innovation).all()


def test_no_drift_and_no_diffusion():
    np.testing.assert_allclose(
        by_program(output)(np.zeros((2, 2)), np.diag([2.0, 3.0])), [np.eye(2), np.diag([2.0, 3.0])]
    )
    effects, innovation = by_program(output)(np.diag([-40.0, 0.0]), np.zeros((2, 2)))
    np.testing.assert_allclose(effects, np.diag([0.0, 1.0]), atol=1e-15)
    np.testing.assert_array_equal(innovation, 0)
    for way in ("reference", "graph"):
        np.testing.assert_array_equal(WAYS[way](np.diag([-40.0, 0.0]), np.zeros((2, 2)))[1], 0)


@pytest.mark.parametrize("evaluate", [output, output_of])
def test_many_intervals_at_once(evaluate):
    """Very short beside very long ones, nearly equal ones, and more than are put together at once."""
    others = np.random.default_rng(5).uniform(0.05, 60.0, 100)
    lengths = np.sort([*LENGTHS, 7.0 * (1 + 1e-9), np.nextafter(7.0, 8.0), 1e-9, 12.5, *others])
    some = [0, 1, 2, *range(3, len(lengths), 9), len(lengths) - 1]
    for name, drift in drifts(3):
        if name == "growing":
            continue
        diffusion = diffusions(3)
        inputs = np.concatenate([drift.ravel(), diffusion.ravel()])
        found = evaluate(program_of(3, lengths), inputs).reshape(2, len(lengths), 3, 3)
        for place in some:
            assert max(errors(found[:, place], exact(drift, diffusion, lengths[place]))) < CLOSE, (name, lengths[place])


# ---- gradients ----

STEP = 1e-25


def slope_in_digits(drift, noise, direction, weights):
    """Derivative of the weighted sum of all entries along a direction, by central differences with 90 digits."""
    with mpmath.workdps(DIGITS):
        (a, n), (da, dn) = ([mpmath.matrix(each.tolist()) for each in pair] for pair in ((drift, noise), direction))
        values = []
        for sign in (1, -1):
            step = sign * mpmath.mpf(STEP)
            effects, innovation = in_digits(a + da * step, n + dn * step, 1)
            values.append(
                mpmath.fsum(
                    mpmath.mpf(weight) * entry
                    for weighted, part in zip(weights, (effects, innovation), strict=True)
                    for weight, entry in zip(weighted.ravel().tolist(), part, strict=True)
                )
            )
        return float((values[0] - values[1]) / (2 * mpmath.mpf(STEP)))


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("length", [1e-3, 1.0, 28.0, 1e3])
def test_gradients_agree_with_90_digits(size, length):
    rng = np.random.default_rng(1)
    for name, drift in drifts(size):
        if name == "growing" and length > 10:
            continue
        moved, noise = drift * length, diffusions(size) * length
        weights = rng.normal(size=(2, size, size))
        direction = rng.normal(size=(2, size, size)) * np.stack([np.abs(moved), np.abs(noise)])
        direction[1] += direction[1].T  # only the symmetric part of the noise counts
        inputs = np.concatenate([moved.ravel(), noise.ravel()])
        found = pulled_back(program_of(size), inputs, weights.ravel())
        want = slope_in_digits(moved, noise, direction, weights)
        largest = np.abs(found * direction.ravel()).max()
        assert abs(found @ direction.ravel() - want) < 1e-9 * largest, name
        graph = graph_gradient(size)(moved, noise, weights)
        np.testing.assert_allclose(graph, found.reshape(2, size, size), rtol=1e-7, atol=1e-9 * np.abs(found).max())


def graph_gradient(size, known={}):  # noqa: B006  # compiled once for all tests
    if size not in known:
        inputs = pt.dmatrix("drift"), pt.dmatrix("noise")
        squares, weights = [pt.specify_shape(each, (size, size)) for each in inputs], pt.dtensor3("weights")
        total = (_transition(*squares, size) * weights.ravel()).sum()
        known[size] = pytensor.function([*inputs, weights], pt.stack(pytensor.grad(total, inputs)), mode=PLAIN)
    return known[size]


@pytest.mark.parametrize("n_lengths", [2, 5, 33, 400])
def test_the_gradient_of_many_intervals_is_the_sum_of_those_of_each(n_lengths):
    rng = np.random.default_rng(n_lengths)
    lengths = np.sort(np.exp(rng.uniform(-7, 4, n_lengths)))
    for name, drift in drifts(3):
        if name == "growing":
            continue
        inputs, weights = np.concatenate([drift.ravel(), diffusions(3).ravel()]), rng.normal(size=(2, n_lengths, 3, 3))
        found = pulled_back(program_of(3, lengths), inputs, weights.ravel())
        parts = [
            pulled_back(program_of(3, [length]), inputs, weights[:, place].ravel())
            for place, length in enumerate(lengths)
        ]
        np.testing.assert_allclose(found, np.sum(parts, axis=0), rtol=0, atol=1e-11 * np.abs(parts).sum(axis=0).max())


# ---- whole models ----


def values_of(drift, diffusion, means):
    def block(kind, matrix, suffix=""):
        names = {f"{kind} variance {name}{suffix}": matrix[row, row] for row, name in enumerate(M)}
        return names | {f"{kind} covariance x, y{suffix}": matrix[0, 1]}

    effects = {f"drift {M[k]} -> {M[j]}": drift[j, k] for j in range(2) for k in range(2)}
    between, within = np.array([[0.5, 0.1], [0.1, 0.4]]), np.array([[1.0, 0.2], [0.2, 0.8]])
    first = block("within", within, f", {means[0]:g}")
    centred = {f"mean {name}, {time:g}": 0.0 for time in means for name in M}
    return effects | block("diffusion", diffusion) | block("between", between) | first | centred


def intervals_by_program(spec, panel, drift, diffusion):
    """Phi and Psi of all intervals of every cell, from the program of the model; and the cells."""
    model = panel_model(spec, panel)
    writer = Writer(len(model.layout.table))
    dynamics = Dynamics(Workspace(model.layout.table, writer))
    addresses = [
        np.stack([interval.effects, interval.innovation])
        for cell in model.design.cells
        for interval in dynamics.intervals(cell)
    ]
    values = values_of(drift, diffusion, panel.times)
    theta = np.array([values[name] for name in model.system.names])
    return output(writer.program(np.stack(addresses)), theta).reshape(-1, 2, 2, 2), model.design.cells


def own_times(kind, persons=40):
    rng = np.random.default_rng(2)
    days = np.cumsum(rng.integers(3, 90, size=(persons, 4)), axis=1)
    match kind:
        case "days in months":
            return days / 30.4375
        case "days in a year of the calendar":
            return 2019 + days / 365.25
        case "milliseconds":
            return days * 1e-3
        case "whenever":
            return np.cumsum(rng.uniform(0.2, 3.0, size=(persons, 4)), axis=1)


@pytest.mark.parametrize("fastest", [0.05, 1.0, 20.0, 300.0])
@pytest.mark.parametrize("kind", ["days in months", "days in a year of the calendar", "milliseconds", "whenever"])
def test_peoples_own_times(kind, fastest):
    """Their many intervals, put together from few or each by itself, are those of the exact times between them.

    The fastest process decays so many times over the typical interval. Times such as 2019.3 are known to 11 decimals.
    """
    own = own_times(kind)
    typical = float(np.median(np.diff(own)))
    drift = np.array([[-1.0, 0.3], [-0.4, -0.02]]) * fastest / typical
    diffusion = np.array([[2.0, 0.3], [0.3, 0.1]]) * fastest / typical
    times = np.round(own.mean(axis=0), 2)
    panel = ab.Panel.from_arrays(
        np.random.default_rng(3).normal(size=(len(own), 4, 2)), measures=M, times=times, own_times=own
    )
    found, cells = intervals_by_program(ab.RICLPM(M, lags="continuous"), panel, drift, diffusion)
    lengths = np.concatenate([np.diff(cell.times) for cell in cells])
    assert len(lengths) == 3 * len(np.unique(own - own[:, :1], axis=0))
    np.testing.assert_allclose(np.sort(lengths), np.sort(np.diff(own).ravel()), rtol=0, atol=2e-12 * own.max())
    close = CLOSE if own.max() < 1000 else max(CLOSE, 4e-11 * (np.abs(drift).max() + 1 / lengths.min()))
    for place in range(0, len(lengths), 7):
        want = exact(drift, diffusion, lengths[place])
        assert max(errors(found[place], want)) < close, lengths[place]


def panel_over(interval, persons=50):
    values = np.random.default_rng(4).normal(size=(persons, 3, 2))
    values[:, 1] += 0.5 * values[:, 0]
    values[3, 1, 0] = values[5, 2, 1] = np.nan
    return ab.Panel.from_arrays(values, measures=M, times=[0, interval, 2 * interval])


def log_likelihoods(panel, fast):
    drift, diffusion = np.array([[fast, 0.4], [0.3, -0.5]]), np.array([[30.0, 1.0], [1.0, 0.8]])
    return ab.log_likelihood(ab.RICLPM(M, lags="continuous"), panel, values_of(drift, diffusion, panel.times))


def by_hand(panel, fast):
    """The dense normal density of each person's values, from the exact effects and innovations."""
    drift, diffusion = np.array([[fast, 0.4], [0.3, -0.5]]), np.array([[30.0, 1.0], [1.0, 0.8]])
    between, within = np.array([[0.5, 0.1], [0.1, 0.4]]), np.array([[1.0, 0.2], [0.2, 0.8]])
    covariance, waves = np.kron(np.ones((3, 3)), between), [within]
    steps = [exact(drift, diffusion, later - earlier) for earlier, later in pairwise(panel.times)]
    for phi, psi in steps:
        waves.append(phi @ waves[-1] @ phi.T + psi)
    for later in range(3):
        for earlier in range(later + 1):
            carried = waves[earlier]
            for phi, _ in steps[earlier:later]:
                carried = phi @ carried
            covariance[2 * later : 2 * later + 2, 2 * earlier : 2 * earlier + 2] += carried
            if later > earlier:
                covariance[2 * earlier : 2 * earlier + 2, 2 * later : 2 * later + 2] += carried.T
    found = []
    for row in panel.values.reshape(len(panel.values), -1):
        seen = ~np.isnan(row)
        found.append(multivariate_normal(np.zeros(seen.sum()), covariance[np.ix_(seen, seen)]).logpdf(row[seen]))
    return np.array(found)


@pytest.mark.parametrize("fast", [-0.5, -14.0, -17.0, -19.6, -22.0, -40.0, -500.0])
def test_the_log_likelihood_is_exact_and_smooth_where_a_process_decays_fast(fast):
    """Over an interval of 2, also where the drift is moved by a 10^13th of itself."""
    panel = panel_over(2.0)
    want = by_hand(panel, fast)
    np.testing.assert_allclose(log_likelihoods(panel, fast), want, atol=1e-9)
    total = want.sum()
    for step in range(-5, 6):
        assert abs(log_likelihoods(panel, fast * (1 + step * 1e-13)).sum() - total) < 1e-9


def test_stationary_models_over_long_and_short_intervals():
    """Their innovations are ``P - Phi P Phi'``, exact but for the rounding of P."""
    spec = replace(ab.RICLPM(M, lags="continuous"), stationary=True)
    for length in (1e-3, 1.0, 30.0, 1e3):
        panel = panel_over(length)
        drift, within = np.array([[-1.0, 0.3], [0.2, -0.5]]), np.array([[1.0, 0.2], [0.2, 0.8]])
        values = {name: value for name, value in values_of(drift, np.eye(2), panel.times).items() if "diff" not in name}
        model = panel_model(spec, panel)
        table, diffusion = model.layout.table, -(drift @ within + within @ drift.T)
        writer = Writer(len(table))
        (interval, _) = Dynamics(Workspace(table, writer)).intervals(model.design.cells[0])
        program = writer.program(np.stack([interval.effects, interval.innovation]))
        found = output(program, np.array([values[name] for name in model.system.names])).reshape(2, 2, 2)
        with mpmath.workdps(DIGITS):
            parts = in_digits(mpmath.matrix(drift.tolist()), diffusion, length)
        assert max(errors(found, [as_floats(part) for part in parts])) < CLOSE
