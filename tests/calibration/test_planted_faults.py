"""Faults that are planted on purpose: calibration, the gradient's test, health and the margin of verdicts find them."""

import ctypes
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.batches import Replicate, run_batch
from alliance_bayes.calibration.answering import answer_of
from alliance_bayes.calibration.replicating import FromPrior
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior import samplers
from alliance_bayes.posterior.summaries import indicator, probability
from alliance_bayes.pymc_models.compiling import compile_model
from engine_calls import as_function, evaluate

XY = ["x", "y"]
SETTINGS = {"draws": 250, "tune": 250, "chains": 2, "target_accept": 0.9}


def spec_with(**priors):
    return ab.RICLPM(XY, lags="equal", residuals="equal", means="equal", priors=ab.Priors(**priors))


def panel_of(persons, waves):
    values = np.random.default_rng(1).normal(size=(persons, waves, 2))
    return ab.Panel.from_arrays(values, measures=XY, times=range(waves))


class FittedWith(FromPrior):
    """The model that is fitted is another than the truths are drawn from."""

    fitted = None

    def drawn(self, rng):
        drawn = super().drawn(rng)
        return replace(drawn, model=drawn.model.on(drawn.model.panel, spec=type(self).fitted))


class WrongPriorSD(FittedWith):
    """A third of the SD of cross-lagged effects."""

    fitted = spec_with(cross_lagged=ab.Normal(0.0, 0.05))


class WrongJacobian(FittedWith):
    """The ICC is sampled as its logit without the Jacobian i (1 - i): Beta(a, b) becomes Beta(a - 1, b - 1)."""

    fitted = spec_with(icc=ab.Beta(2.0, 0.2))


class SwappedDirections(FromPrior):
    """What x does to y is simulated as what y does to x: the names of the measures are exchanged."""

    def drawn(self, rng):
        drawn = super().drawn(rng)
        panel = drawn.model.panel
        swapped = ab.Panel.from_arrays(panel.values[..., ::-1], measures=panel.measures, times=panel.times)
        return replace(drawn, model=self.template.on(swapped))


PLANTED = {
    "nothing": (FromPrior, {}, 30, 40, ""),
    "prior SD": (WrongPriorSD, {}, 60, 40, "cross-lagged effect as sampled: x -> y"),
    "Jacobian": (WrongJacobian, {"icc": ab.Beta(3.0, 1.2)}, 12, 120, "ICC: y, 2"),
    "directions": (SwappedDirections, {}, 300, 40, "cross-lagged effect as sampled: x -> y"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_calibration_finds_it(fault, tmp_path):
    kind, priors, persons, replicates, named = PLANTED[fault]
    work = kind(SETTINGS, None, fault == "directions", spec_with(**priors), panel_of(persons, 3), "held")
    asked = [Replicate("planted", "all", number) for number in range(replicates)]
    batch = run_batch(work, asked, tmp_path, seed=1, workers=1, progress=False)
    answer = answer_of(batch, question="calibrate", arguments={}, heading="", sentence="", seed=1)
    wrong = answer.table.index[answer.table["verdict"] != ""]
    if named:
        assert named in wrong, answer.table["p"].sort_values()
    else:
        assert list(wrong) == []
    if fault == "directions":
        events = answer.tables["events"]
        assert (events.filter(like="larger", axis=0)["p_holm"] < 0.01).all()


def with_wrong_gradient(compiled):
    """The same density, with the gradient's first entry of the wrong sign."""
    right = as_function(compiled.compiled_logp_func, "PPPP")

    def wrong(n, point, gradient, value, words):
        status = right(n, point, gradient, value, words)
        slope = ctypes.cast(gradient, ctypes.POINTER(ctypes.c_double))
        slope[0] = -slope[0]
        return status

    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)
    function = kind(wrong)
    address = ctypes.cast(function, ctypes.c_void_p).value
    return replace(compiled, compiled_logp_func=SimpleNamespace(address=address, kept=function))


def gradient_is_right(compiled):
    """Whether the gradient is that of the density, by central differences along the axes."""
    point = np.random.default_rng(2).normal(0, 0.3, compiled.n_dim)
    steps = 1e-5 * np.eye(compiled.n_dim)
    numeric = [(evaluate(compiled, point + step)[1] - evaluate(compiled, point - step)[1]) / 2e-5 for step in steps]
    gradient = evaluate(compiled, point)[2]
    return np.allclose(gradient, numeric, rtol=1e-4, atol=1e-4 * np.abs(gradient).max())


def test_a_wrong_gradient_is_found_by_its_test_and_by_health(monkeypatch):
    panel = panel_of(60, 3)
    compiled = compile_model(panel_model(spec_with(), panel))
    broken = with_wrong_gradient(compiled)
    assert gradient_is_right(compiled)
    assert not gradient_is_right(broken)
    monkeypatch.setattr(samplers, "compiled_for_nutpie", lambda model, latent: (broken, "low_rank"))
    fit = ab.fit(spec_with(), panel, seed=1, draws=100, tune=100, chains=2, cores=1, progress=False)
    assert "divergent" in " ".join(fit.health.problems) or "effective draws" in " ".join(fit.health.problems)
    assert ab.directionality(fit, "x", "y").verdict == "undecided"


def test_the_margin_of_verdicts_holds_back_what_chance_says():
    """With a probability of .945 a verdict at .95 is wrong; without the margin one in five fits would give it."""
    rng = np.random.default_rng(3)
    given = np.zeros(2)
    for _ in range(400):
        holds = xr.DataArray(rng.random((4, 250)) < 0.945, dims=("chain", "draw"))
        event = probability(indicator(holds, holds))
        given += event.reaches(0.95), event.value >= 0.95
    assert given[0] / 400 < 0.02
    assert given[1] / 400 > 0.15
