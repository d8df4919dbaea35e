"""Ctrl-C: what was drawn is kept, no padding counts as a draw, and everything says that it was interrupted."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import nutpie
import pandas as pd
import pyarrow as pa
import pymc
import pytest
import xarray as xr
from arro3.core import RecordBatch
from typer.testing import CliRunner

import alliance_bayes as ab
from alliance_bayes.cli import app
from alliance_bayes.files.kinds import panel_model
from alliance_bayes.files.run_folder import read_manifest
from alliance_bayes.posterior import imputations
from alliance_bayes.posterior.interruption import equal_lengths
from helpers import random_panel

MODEL = Path(__file__).parents[2] / "models" / "riclpm-alliance-abstinence.toml"
ASKED = {"draws": 1000, "tune": 100, "chains": 4}
INTERRUPTED = "Interrupted after 290 of 4,000 draws, in 2 of 4 chains."
ALONE = "All numbers use only these draws. Run it again without interruption for a final answer."
GOES_ON = f"{INTERRUPTED} The script continues with these draws."


def batch_of(group, chain, length):
    """The first draws of a chain as nutpie hands them over."""
    part = group.isel(chain=chain % group.sizes["chain"], draw=slice(length))
    fields, columns = [], []
    for name, array in part.items():
        values = array.transpose("draw", ...).to_numpy()
        rows = values.reshape(length, int(np.prod(values.shape[1:])))
        column = pa.array(values) if values.ndim == 1 else pa.array([*rows], pa.large_list(pa.float64()))
        shape = ",".join(map(str, values.shape[1:]))
        fields.append(pa.field(str(name), column.type, metadata={"shape": shape} if shape else {}))
        columns.append(column)
    return RecordBatch.from_arrow(pa.record_batch(columns, schema=pa.schema(fields)))


class Trace:
    """Draws of one chain, as nutpie returns them."""

    def __init__(self, fit, chain, length):
        self.fit, self.chain, self.length = fit, chain, length

    def get_arrow_trace(self):
        groups = (self.fit.drawn(name) for name in ("posterior", "sample_stats"))
        draws, statistics = (batch_of(group, self.chain, self.length) for group in groups)
        return [draws], [statistics]


class Made:
    """A sampler of one chain that is done: it hands over its draws, or what it has when it is stopped."""

    def __init__(self, trace):
        self.trace = trace

    def wait(self, *, timeout):
        assert timeout > 0
        return self.trace

    def cancel(self):
        pass

    def abort(self):
        return self.trace


def sampling(fit, lengths, kind=Made, **more):
    """Instead of `nutpie.sample`: chain by chain so many draws of a fit."""
    remaining = enumerate(lengths)
    return lambda *_, **__: kind(Trace(fit, *next(remaining)), **more)


@pytest.fixture(scope="module")
def interrupted(small_fit, small_panel):
    """Of four chains asked for, two that stopped early, one that hardly began, and one that never did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nutpie, "sample", sampling(small_fit, [150, 145, 2, 0]))
        with pytest.warns(ab.FitWarning) as warned:
            fit = ab.fit(small_fit.spec, small_panel, seed=5, **ASKED)
    assert [str(each.message) for each in warned] == [GOES_ON]
    return fit


def test_chains_are_cut_to_what_they_all_hold(interrupted, small_fit):
    assert (interrupted.posterior.sizes["chain"], interrupted.posterior.sizes["draw"]) == (2, 145)
    for name, array in interrupted.posterior.items():
        np.testing.assert_array_equal(array, small_fit.posterior[name].isel(draw=slice(145)))
    assert list(interrupted.draws.children) == list(small_fit.draws.children)
    assert all(np.isfinite(interrupted.draws["log_likelihood"]["values"]).to_numpy().ravel())


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([60, 60, 60, 60], (4, 60)),
        ([150, 100, 98, 3], (3, 98)),
        ([150, 70, 0, 0], (1, 150)),
        ([150, 76, 0, 0], (2, 76)),
        ([0, 0, 0, 25], (1, 25)),
        ([0, 40, 0, 40], (2, 40)),
    ],
)
def test_what_keeps_most_draws_is_kept(small_fit, lengths, kept):
    n_draws, chains = equal_lengths(lengths, replace(small_fit.settings, **ASKED))
    assert (len(chains), n_draws) == kept
    assert all(lengths[chain] >= n_draws for chain in chains)


def test_whole_draws_are_left_as_they_are(small_fit):
    assert equal_lengths([150, 150], small_fit.settings) == (150, [0, 1])
    assert small_fit.interrupted == ""
    assert not small_fit.stopped


def test_everything_says_so(interrupted, tmp_path):
    assert interrupted.interrupted == INTERRUPTED
    assert interrupted.stopped
    assert interrupted.health.problems[0] == f"{INTERRUPTED} {ALONE}"
    head = str(interrupted).splitlines()[0]
    assert "290 of 4,000 draws (2 of 4 chains), interrupted after " in head
    answer = str(ab.directionality(interrupted, "alliance", "days"))
    assert "290 of 4,000 draws (2 of 4 chains), interrupted" in answer.splitlines()[0]
    assert f"Verdict: undecided.\nThe draws cannot be trusted: {INTERRUPTED} {ALONE}" in answer
    for other in (ab.hypotheses(interrupted, "alliance", "days"), ab.lag_curve(interrupted)):
        assert "290 of 4,000 draws (2 of 4 chains), interrupted" in str(other)
    loaded = ab.load_fit(interrupted.save(tmp_path / "fit.nc"))
    assert str(loaded) == str(interrupted)
    assert loaded.interrupted == INTERRUPTED


def test_probabilities_are_those_of_the_draws_there_are(interrupted, small_fit):
    """As of the first draws of a fit that nobody interrupted."""
    table = ab.directionality(interrupted, "alliance", "days").table
    effects = small_fit.posterior["lagged_standardized"].isel(draw=slice(145))
    for predictor, outcome in (("alliance", "days"), ("days", "alliance")):
        effect = effects.sel(path=f"{predictor} -> {outcome}").mean("interval")
        row = table.loc[(f"{predictor} -> {outcome}", "average of intervals of 6")]
        assert row["p_positive"] == float((effect > 0).mean())
        assert row["mean"] == pytest.approx(float(effect.mean()))


class Hasty(Made):
    """A sampler in which somebody presses Ctrl-C while it draws, and again while the draws are handed over."""

    def __init__(self, trace, again):
        super().__init__(trace)
        self.again, self.pressed = again * (trace.chain == 0), False

    def wait(self, *, timeout):
        time.sleep(0.1)
        if self.trace.chain == 0 and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
        raise TimeoutError

    def abort(self):
        for _ in range(self.again):
            signal.raise_signal(signal.SIGINT)
        return self.trace


@pytest.fixture
def python_handles_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler, "not put back"


@pytest.mark.usefixtures("python_handles_ctrl_c")
@pytest.mark.parametrize("again", [0, 1, 3])
def test_further_ctrl_cs_lose_no_draws(small_fit, small_panel, monkeypatch, capsys, again):
    """A second one leaves out what is found after the draws; none of them ends the program."""
    monkeypatch.setattr(nutpie, "sample", sampling(small_fit, [150, 145, 2, 0], Hasty, again=again))
    with pytest.warns(ab.FitWarning) as warned:
        fit = ab.fit(small_fit.spec, small_panel, seed=5, **ASKED)
    assert capsys.readouterr().err == "Interrupted; keeping the draws so far, which takes a few seconds ...\n"
    assert fit.n_draws == 290
    assert [str(each.message) for each in warned] == [GOES_ON, *fit.incomplete]
    assert len(fit.incomplete) == bool(again)
    assert ("posterior_predictive" in fit.draws.children) == (not again)
    for sentence in fit.incomplete:
        assert sentence.startswith("Interrupted after sampling. Missing: observed values (fit.panel.values has them)")


@pytest.mark.usefixtures("python_handles_ctrl_c")
def test_what_fails_after_an_interruption_is_not_beside_complete_draws(small_fit, small_panel, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(nutpie, "sample", sampling(small_fit, [150, 145, 2, 0]))
    monkeypatch.setattr("alliance_bayes.posterior.predictions.normal.per_person", fail)
    with pytest.warns(ab.FitWarning) as warned:
        fit = ab.fit(small_fit.spec, small_panel, seed=5, **ASKED)
    assert [str(each.message) for each in warned] == [GOES_ON, *fit.incomplete]
    assert fit.incomplete == (
        "Log-likelihoods of persons are missing, because computing them failed (MemoryError). "
        "fit.log_likelihood(persons) computes them.",
    )


@pytest.mark.usefixtures("python_handles_ctrl_c")
@pytest.mark.parametrize(
    ("sampler", "where", "when"),
    [
        ("nutpie", "alliance_bayes.pymc_models.compiling.compile_model", "before sampling began"),
        ("pymc", "pymc.sample", "before PyMC returned any draws"),
    ],
)
def test_ctrl_c_before_there_is_anything_to_keep(small_fit, small_panel, monkeypatch, sampler, where, when):
    monkeypatch.setattr(where, lambda *_, **__: signal.raise_signal(signal.SIGINT))
    with pytest.raises(ab.InterruptionError) as caught:
        ab.fit(small_fit.spec, small_panel, seed=5, sampler=sampler, **ASKED)
    assert str(caught.value) == f"Interrupted {when}. Nothing was kept. Run it again."


def test_a_way_of_ones_own_to_handle_ctrl_c_keeps_the_draws_too(small_fit, small_panel, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(nutpie, "sample", sampling(small_fit, [150, 145, 2, 0], Hasty, again=0))
    before = signal.signal(signal.SIGINT, stop)
    try:
        with pytest.warns(ab.FitWarning, match=r"^Interrupted after 290 of "):
            assert ab.fit(small_fit.spec, small_panel, seed=5, **ASKED).n_draws == 290
    finally:
        signal.signal(signal.SIGINT, before)


def test_draws_without_a_value_inside_a_chain_are_no_interruption(small_fit):
    """Padding is at the end of a chain; what is missing inside it is a problem of its own."""
    tree = xr.DataTree.from_dict({name: group.copy(deep=True) for name, group in small_fit.draws.to_dict().items()})
    for array in tree["posterior"].data_vars.values():
        array.values[1, 40:43] = np.nan
    fit = small_fit.with_draws(tree)
    assert fit.interrupted == ""
    sentence = "A parameter has no value (NaN or infinite) in 3 of 150 draws of chain 2: no sampler leaves such draws, "
    assert fit.health.problems[0].startswith(sentence)
    assert not any("disagree" in problem or "effective draws" in problem for problem in fit.health.problems)
    with pytest.raises(ab.SpecError, match=re.escape(sentence)):
        ab.bayes_factors(fit, "alliance", "days")


@pytest.mark.parametrize(
    ("lengths", "when"),
    [
        ([0, 0, 0, 0], "in the warm-up"),
        ([5, 5, 5, 4], "after 16 of 4,000 draws"),
        ([19, 0, 0, 0], "after 19 of 4,000 draws"),
    ],
)
def test_too_few_draws_are_a_sentence(small_fit, small_panel, monkeypatch, lengths, when):
    monkeypatch.setattr(nutpie, "sample", sampling(small_fit, lengths))
    with pytest.raises(ab.InterruptionError) as caught:
        ab.fit(small_fit.spec, small_panel, seed=5, **ASKED)
    assert str(caught.value) == (
        f"Sampling was interrupted {when}, before each chain had 20 draws, the fewest that can be used. Nothing was "
        "kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
    )


def test_no_chain_at_all(small_fit):
    with pytest.raises(ab.InterruptionError, match=r"^Sampling was interrupted in the warm-up, "):
        equal_lengths([], small_fit.settings)


def test_few_draws_that_were_asked_for_are_no_interruption(small_fit, small_panel):
    fit = ab.fit(small_fit.spec, small_panel, seed=5, draws=3, tune=20, chains=4)
    assert fit.interrupted == ""


def test_pymc_in_the_warm_up(small_fit, small_panel, monkeypatch):
    def sample(**_):
        raise ValueError("Not enough samples to build a trace.")

    monkeypatch.setattr(pymc, "sample", sample)
    with pytest.raises(ab.InterruptionError, match=r"^Sampling was interrupted in the warm-up, "):
        ab.fit(small_fit.spec, small_panel, seed=5, sampler="pymc", **ASKED)


def test_pymc_with_fewer_chains(small_fit, small_panel, monkeypatch):
    monkeypatch.setattr(pymc, "sample", lambda **_: small_fit.draws)
    with pytest.warns(
        ab.FitWarning, match=r"^Interrupted after 300 of 4,000 draws, in 2 of 4 chains\. The script continues with"
    ):
        fit = ab.fit(small_fit.spec, small_panel, seed=5, sampler="pymc", **ASKED)
    assert fit.n_draws == 300


def test_another_error_of_the_sampler_is_its_own(small_fit, small_panel, monkeypatch):
    def sample(**_):
        raise ValueError("Initial evaluation of model at starting point failed!")

    monkeypatch.setattr(pymc, "sample", sample)
    with pytest.raises(ValueError, match=r"^Initial evaluation"):
        ab.fit(small_fit.spec, small_panel, seed=5, sampler="pymc", **ASKED)


@pytest.mark.slow
def test_pymc_really_interrupted(small_fit, small_panel, monkeypatch):
    """PyMC is interrupted by a callback that raises what Ctrl-C does."""
    sample = pymc.sample

    def stopping(**options):
        def stop(trace, draw):
            if draw.draw_idx >= 340 + 10 * draw.chain:
                raise KeyboardInterrupt

        return sample(**options, callback=stop)

    monkeypatch.setattr(pymc, "sample", stopping)
    options = {"draws": 5000, "tune": 300, "chains": 2, "cores": 1, "sampler": "pymc", "progress": False}
    with pytest.warns(ab.FitWarning, match=r"^Interrupted after "):
        fit = ab.fit(small_fit.spec, small_panel, seed=5, **options)
    assert (fit.posterior.sizes["chain"], fit.posterior.sizes["draw"]) == (2, 41)
    assert fit.health.problems[0].startswith("Interrupted after ")


# ---- questions that fit again ----


def imputed():
    panels, rng = [], np.random.default_rng(5)
    whole = random_panel(2, (0, 1, 2), rng, persons=40)
    for _ in range(4):
        values = whole.values.copy()
        values[:5, 2] = rng.normal(3, 1, size=(5, 2))
        panels.append(ab.Panel.from_arrays(values, measures=whole.measures, times=whole.times))
    return panels


def stopping_at(step, how, fits):
    """Instead of `fit`: gives the fits one by one, and is interrupted at a step."""
    given = []

    def fit(*_, **__):
        given.append(len(given))
        if len(given) <= step:
            return fits[given[-1] % len(fits)]
        if isinstance(how, BaseException):
            raise how
        return how

    return fit


def ways(whole):
    groups = {f"/{name}": whole.draws[name].to_dataset() for name in ("posterior", "sample_stats")}
    groups = {name: group.isel(draw=slice(40)) for name, group in groups.items()}
    short = xr.DataTree.from_dict({**groups, "/prior": whole.drawn("prior")})
    later = "Interrupted after sampling. The draws of the parameters are complete. Missing: posterior predictive draws."
    return [
        KeyboardInterrupt(),
        ab.InterruptionError("in the warm-up"),
        whole.with_draws(short),
        replace(whole, sample=replace(whole.sample, incomplete=(later,))),
    ]


LAST_KEPT = [0, 0, 0, 1]
"""Fits that are kept of the one in which it was interrupted, by way: one whose draws are complete."""


@pytest.mark.parametrize("way", range(4))
def test_imputations_that_are_done_are_kept(small_fit, monkeypatch, way):
    monkeypatch.setattr(imputations, "fit", stopping_at(2, ways(small_fit)[way], [small_fit]))
    n_kept = 2 + LAST_KEPT[way]
    sentence = (
        f"Interrupted after {n_kept} of 4 imputed panels: the answer is of these alone, and less certain of what "
        "differs between imputations. Fit all panels for a final answer."
    )
    with pytest.warns(ab.FitWarning) as warned:
        fit = ab.fit_imputations(ab.RICLPM(["alliance", "days"]), imputed(), seed=1)
    assert [str(each.message) for each in warned] == [sentence]
    assert (len(fit.fits), fit.n_draws, fit.incomplete) == (n_kept, 300 * n_kept, (sentence,))
    assert fit.stopped
    assert sentence in str(fit)


@pytest.mark.parametrize("way", range(4))
def test_one_imputation_is_no_answer(small_fit, monkeypatch, way):
    step = 1 - LAST_KEPT[way]
    monkeypatch.setattr(imputations, "fit", stopping_at(step, ways(small_fit)[way], [small_fit]))
    with pytest.raises(
        ab.InterruptionError, match=r"^Interrupted after 1 of 4 imputed panels; an answer needs at least 2"
    ):
        ab.fit_imputations(ab.RICLPM(["alliance", "days"]), imputed(), seed=1)


def robustness_stopped_at(step, how, small_fit, small_panel, monkeypatch):
    from alliance_bayes.questions import robustness

    variants = dict.fromkeys(("one", "two", "three"), (small_fit.spec, small_panel))
    monkeypatch.setattr(robustness, "fit_model", stopping_at(step, how, [small_fit]))
    return ab.robustness(small_fit.spec, small_panel, "alliance", "days", variants=variants, seed=1)


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("step", [1, 2, 3])
def test_variants_that_are_done_are_kept(small_fit, small_panel, monkeypatch, step, way):
    n_kept, names = step + LAST_KEPT[way], ["original model", "one", "two", "three"]
    sentence = f"Interrupted after {n_kept} of 4 models. Run it again for an answer under all of them."
    with pytest.warns(ab.FitWarning) as warned:
        answer = robustness_stopped_at(step, ways(small_fit)[way], small_fit, small_panel, monkeypatch)
    assert [str(each.message) for each in warned] == [sentence]
    assert list(answer.parts) == names[:n_kept]
    not_fitted = answer.tables["not_fitted"]["reason"].to_dict() if n_kept < 4 else {}
    assert not_fitted == dict.fromkeys(names[n_kept:], "Interrupted before it was fitted.")
    assert answer.interrupted == sentence
    assert sentence in str(answer).splitlines()


@pytest.mark.parametrize("way", range(3))
def test_nothing_is_answered_where_the_model_as_asked_is_not_fitted(small_fit, small_panel, monkeypatch, way):
    with pytest.raises(ab.InterruptionError, match=r"^Interrupted while the original model was fitted, "):
        robustness_stopped_at(0, ways(small_fit)[way], small_fit, small_panel, monkeypatch)


def test_the_model_as_asked_alone_where_its_draws_are_complete(small_fit, small_panel, monkeypatch):
    with pytest.warns(ab.FitWarning, match=r"^Interrupted after 1 of 4 models\."):
        answer = robustness_stopped_at(0, ways(small_fit)[3], small_fit, small_panel, monkeypatch)
    assert list(answer.parts) == ["original model"]
    assert "power_scaling" in answer.tables
    assert "under 1 variant of the model? 59 people, 4 waves, 300 draws\n" in str(answer)
    assert answer.reasons[0].endswith("; no other variant was fitted.")


def test_ctrl_c_in_the_power_scaling_keeps_the_answer(small_fit, small_panel, monkeypatch):
    from alliance_bayes.questions import robustness

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(robustness, "power_scaling_of", stop)
    with pytest.warns(ab.FitWarning, match=r"^Interrupted after 1 of 4 models\."):
        answer = robustness_stopped_at(4, None, small_fit, small_panel, monkeypatch)
    assert list(answer.parts) == ["original model"]
    assert "power_scaling" not in answer.tables


def test_a_robustness_that_nobody_interrupts(small_fit, small_panel, monkeypatch):
    answer = robustness_stopped_at(4, None, small_fit, small_panel, monkeypatch)
    assert (answer.interrupted, len(answer.parts), "not_fitted" in answer.tables) == ("", 4, False)


@pytest.mark.parametrize("way", range(1, 4))
def test_an_interrupted_refit_ends_its_question(small_fit, monkeypatch, way):
    from alliance_bayes.questions import scores

    monkeypatch.setattr(scores, "fit_model", stopping_at(0, ways(small_fit)[way], [small_fit]))
    with pytest.raises(ab.InterruptionError):
        scores.refitted(small_fit, small_fit.panel, 1)


# ---- the command line ----


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "study.csv"
    ab.load(MODEL).simulate(persons=120, seed=8).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fit_of_data(data):
    file = ab.load(MODEL)
    return ab.fit(file.spec, file.panel(data), seed=3, draws=50, tune=100, chains=2)


@pytest.fixture
def quick(data, tmp_path, monkeypatch, fit_of_data):
    """A call of `run` whose sampling takes no time."""
    monkeypatch.setattr(panel_model, "fit", lambda *_, **__: fit_of_data)

    def run(*more):
        arguments = ["run", MODEL, data, "--out", tmp_path / "out", "--seed", 1, *more]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def raising(error):
    def call(*_, **__):
        raise error

    return call


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ab.InterruptionError("A refit was interrupted.")])
def test_an_interruption_before_anything_is_finished_is_a_sentence(error, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(ab.ModelFile, "ask", raising(error))
    result = quick()
    assert (result.exit_code, result.stderr) == (130, "Interrupted; nothing was kept.\n")
    assert read_manifest(tmp_path / "out").status == "unfinished"


def test_ctrl_c_before_anything_is_kept_says_so(quick, data, tmp_path, monkeypatch):
    monkeypatch.setattr(panel_model, "fit", raising(KeyboardInterrupt()))
    monkeypatch.setattr(ab.ModelFile, "check", raising(KeyboardInterrupt()))
    monkeypatch.setattr(ab.ModelFile, "simulate", raising(KeyboardInterrupt()))
    calls = [("check", MODEL, data), ("simulate", MODEL, "--persons", 9, "--out", tmp_path / "new.csv")]
    results = [quick(), *(CliRunner().invoke(app, [str(argument) for argument in call]) for call in calls)]
    for result in results:
        assert (result.exit_code, result.stderr) == (130, "Interrupted; nothing was kept.\n")
    assert list(tmp_path.iterdir()) == []


# ---- a real Ctrl-C ----

WATCHED = """\
import sys
from alliance_bayes.posterior import samplers
draw_chains = samplers.draw_chains
def watched(*arguments, **options):
    print("SAMPLING", file=sys.stderr, flush=True)
    return draw_chains(*arguments, **options)
samplers.draw_chains = watched
"""


def interrupted_process(program, after, tmp_path, times=(1,)):
    """Run a program, send it SIGINT so often some time after each sampling begins: exit code, stdout and stderr."""
    remaining = iter(times)
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("SAMPLING"):
                time.sleep(after)
                for _ in range(next(remaining)):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.005)
        return process.wait(timeout=60), process.stdout.read(), "".join(said)


def test_ctrl_c_while_it_draws_and_in_the_warm_up(data, tmp_path):
    """One leaves the draws there are, and so do several at once; in the warm-up one leaves a sentence."""
    program = f"""
        import signal, numpy as np, alliance_bayes as ab
        file = ab.load({str(MODEL)!r})
        panel = file.panel({str(data)!r})
        for _ in range(2):
            fit = ab.fit(file.spec, panel, seed=1, draws=1_000_000, tune=100, chains=4, cores=2)
            put_back = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            print(fit.n_draws, np.isfinite(fit.posterior["lagged"]).all().item(), put_back)
            print(str(fit).splitlines()[0], flush=True)
        ab.fit(file.spec, panel, seed=1, draws=1000, tune=10_000_000, chains=2)
        print("a fit without draws")
    """
    code, out, err = interrupted_process(program, 1.5, tmp_path, times=(1, 3, 1))
    assert code == 1, err
    lines = out.splitlines()
    assert len(lines) == 4, out
    for numbers, head in (lines[:2], lines[2:]):
        n_draws, finite, put_back = numbers.split()
        assert int(n_draws) > 80
        assert (finite, put_back) == ("True", "True")
        assert f"{int(n_draws):,} of 4,000,000 draws" in head
    assert err.index("Interrupted; keeping the draws so far") < err.index("FitWarning: Interrupted after ")
    assert "InterruptionError: Sampling was interrupted in the warm-up, " in err


def run_and_interrupt(data, tmp_path, draws, tune):
    options = ["--draws", str(draws), "--tune", str(tune), "--seed", "1", "--chains", "2"]
    arguments = ["alliance-bayes", "run", str(MODEL), str(data), "--out", str(tmp_path / "out"), *options]
    program = f"""
        sys.argv = {arguments!r}
        from alliance_bayes.cli import main
        main()
    """
    code, out, err = interrupted_process(program, 0.4, tmp_path)
    assert code == 130, err
    assert "Traceback" not in err
    return out, err


def test_ctrl_c_on_the_command_line_before_a_chain_is_finished(data, tmp_path):
    _, err = run_and_interrupt(data, tmp_path, 1000, 10_000_000)
    assert err == "SAMPLING\nInterrupted; nothing was kept.\n"
    assert not (tmp_path / "out").exists()


# ---- regressions by Bambi ----


def test_an_interrupted_regression_is_no_equation(monkeypatch):
    bambi = pytest.importorskip("bambi")
    from alliance_bayes.causal.bambi_fit import fit_by_bambi
    from made_up import made_up_fit

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=30), "y": rng.normal(size=30)})
    model, draws = made_up_fit("y ~ x", frame, "gaussian")
    whole = draws["posterior"].to_dataset()
    tail = xr.DataTree.from_dict({"/posterior": whole.where(whole["draw"] < 7)})
    short = xr.DataTree.from_dict({"/posterior": whole.isel(draw=slice(7))})
    options = {"draws": 10, "tune": 10, "chains": 2, "seed": 1}
    for found in (tail, short):
        monkeypatch.setattr(bambi.Model, "fit", lambda *_, found=found, **__: found)
        with pytest.raises(ab.InterruptionError, match=r"^The regression y ~ x was interrupted; sample again\.$"):
            fit_by_bambi("y ~ x", "gaussian", frame, **options)
    monkeypatch.setattr(bambi.Model, "fit", lambda *_, **__: draws)
    assert fit_by_bambi("y ~ x", "gaussian", frame, **options)[1] is draws
    with pytest.raises(ab.SpecError, match=r"are missing, as after an interruption"):
        ab.regression(model, tail)
