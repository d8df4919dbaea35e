"""Finished chains that are kept: a run that goes on from them has the draws of one without a break, bit for bit."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import nutpie
import pytest

import alliance_bayes as ab
from alliance_bayes.posterior import nutpie_chains, sampling
from alliance_bayes.posterior.keeping import Kept, keeping, versions
from alliance_bayes.posterior.nutpie_chains import chain_seed
from alliance_bayes.posterior.settings import Settings

SETTINGS = {"seed": 5, "draws": 60, "tune": 60, "chains": 4, "progress": False}


@pytest.fixture(scope="module")
def spec():
    return ab.RICLPM(["alliance", "days"])


@pytest.fixture(scope="module")
def unbroken(spec, small_panel):
    return ab.fit(spec, small_panel, **SETTINGS, cores=2)


@pytest.fixture
def seeds(monkeypatch):
    """Seeds of the chains that are drawn."""
    drawn, sample = [], nutpie.sample

    def noted(*arguments, seed, **options):
        drawn.append(seed)
        return sample(*arguments, seed=seed, **options)

    monkeypatch.setattr(nutpie, "sample", noted)
    return drawn


@pytest.fixture
def stopping(monkeypatch):
    """Ctrl-C once so many chains are done; afterwards sampling goes on as ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def after(n_chains):
        chain_of, n_done = nutpie_chains._chain_of, []

        def counted(trace):
            n_done.append(chain_of(trace))
            if len(n_done) == n_chains:
                signal.raise_signal(signal.SIGINT)
            return n_done[-1]

        monkeypatch.setattr(nutpie_chains, "_chain_of", counted)

    yield after
    signal.signal(signal.SIGINT, before)


def same(one, other):
    assert list(one.draws.children) == list(other.draws.children)
    for name in one.draws.children:
        assert one.draws[name].to_dataset().identical(other.draws[name].to_dataset()), name


def test_draws_depend_on_the_seed_and_not_on_cores_or_further_chains(spec, small_panel, unbroken):
    same(ab.fit(spec, small_panel, **SETTINGS, cores=1), unbroken)
    fewer = ab.fit(spec, small_panel, **SETTINGS | {"chains": 2})
    for name, array in fewer.posterior.items():
        np.testing.assert_array_equal(array, unbroken.posterior[name].isel(chain=slice(2)))


def test_each_chain_has_a_seed_of_its_own():
    seeds = {chain_seed(seed, chain) for seed in (0, 1, 2**64 - 1) for chain in range(50)}
    assert len(seeds) == 150
    assert max(seeds) < 2**64


@pytest.mark.parametrize("n_chains", [1, 3])
def test_a_fit_goes_on_from_its_finished_chains(n_chains, spec, small_panel, unbroken, tmp_path, seeds, stopping):
    folder = tmp_path / "kept"
    stopping(n_chains)
    with pytest.raises(ab.InterruptionError) as caught:
        ab.fit(spec, small_panel, **SETTINGS, cores=1, folder=folder)
    assert str(caught.value) == (f"Interrupted after {n_chains} of 4 chains. Run it again: what is finished is kept.")
    assert len(list(folder.iterdir())) == n_chains
    seeds.clear()
    same(ab.fit(spec, small_panel, **SETTINGS, folder=folder), unbroken)
    assert seeds == [chain_seed(5, chain) for chain in range(n_chains, 4)]
    assert not folder.exists()


def test_more_chains_go_on_from_those_there_are(spec, small_panel, unbroken, tmp_path, seeds):
    with keeping(Kept(tmp_path / "kept", versions())):
        ab.fit(spec, small_panel, **SETTINGS | {"chains": 2})
        seeds.clear()
        same(ab.fit(spec, small_panel, **SETTINGS), unbroken)
        assert seeds == [chain_seed(5, 2), chain_seed(5, 3)]
        seeds.clear()
        same(ab.fit(spec, small_panel, **SETTINGS), unbroken)
        assert seeds == []


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"draws": 61},
        {"tune": 61},
        {"target_accept": 0.9},
        {"spec": ab.RICLPM(["alliance", "days"], lags="equal")},
        {"spec": ab.RICLPM(["alliance", "days"], priors=ab.Priors(cross_lagged=ab.Normal(0, 0.1)))},
        {"spec": ab.RICLPM(["days", "alliance"])},
        {"panel": True},
        {"versions": {"numpy": "0"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_chains_of_anything_else_are_drawn(change, spec, small_panel, tmp_path, seeds):
    with keeping(Kept(tmp_path / "kept", versions())):
        ab.fit(spec, small_panel, **SETTINGS | {"chains": 1})
    others = small_panel.of_persons(np.arange(1, small_panel.n_persons), source="others")
    panel = others if change.pop("panel", False) else small_panel
    of = change.pop("versions", versions())
    seeds.clear()
    with keeping(Kept(tmp_path / "kept", of)):
        ab.fit(change.pop("spec", spec), panel, **SETTINGS | {"chains": 1} | change)
    assert len(seeds) == 1


def test_a_chain_that_was_damaged_is_drawn_again(spec, small_panel, unbroken, tmp_path, seeds):
    with keeping(Kept(tmp_path / "kept", versions())):
        ab.fit(spec, small_panel, **SETTINGS)
        first, second, *_ = sorted((tmp_path / "kept").iterdir())
        first.write_bytes(first.read_bytes()[:-1000])
        content = bytearray(second.read_bytes())
        content[len(content) // 2] ^= 1
        second.write_bytes(content)
        seeds.clear()
        same(ab.fit(spec, small_panel, **SETTINGS), unbroken)
    assert seeds == [chain_seed(5, 0), chain_seed(5, 1)]


def test_seconds_of_sampling_count_those_before_the_break(spec, small_panel, tmp_path):
    with keeping(Kept(tmp_path / "kept", versions())):
        first = ab.fit(spec, small_panel, **SETTINGS).settings.sampling_seconds
        again = ab.fit(spec, small_panel, **SETTINGS).settings.sampling_seconds
    assert 0.5 * first < again < first + 0.5


def test_ctrl_c_after_sampling_keeps_all_chains(spec, small_panel, unbroken, tmp_path, monkeypatch, seeds):
    def stopped(model, sample, prior):
        return replace(with_other_groups(model, sample, prior), incomplete=("Interrupted after sampling.",))

    with_other_groups = sampling.with_other_groups
    monkeypatch.setattr(sampling, "with_other_groups", stopped)
    with pytest.raises(ab.InterruptionError, match=r"^Interrupted after sampling\. Run it again: "):
        ab.fit(spec, small_panel, **SETTINGS, folder=tmp_path)
    monkeypatch.setattr(sampling, "with_other_groups", with_other_groups)
    seeds.clear()
    same(ab.fit(spec, small_panel, **SETTINGS, folder=tmp_path), unbroken)
    assert seeds == []


def test_refits_are_kept_until_their_answer_is(spec, small_panel, tmp_path, seeds, stopping):
    """Those of a question that is asked again are not drawn again; once it is answered, they are removed."""
    options = SETTINGS | {"chains": 2, "cores": 1}
    del options["progress"]
    variants = {
        "narrow": (ab.RICLPM(["alliance", "days"], priors=ab.Priors(cross_lagged=ab.Normal(0, 0.1))), small_panel)
    }

    def ask():
        return ab.robustness(spec, small_panel, "alliance", "days", variants=variants, **options)

    whole = ask()
    kept = Kept(tmp_path / "kept", versions())

    def asked():
        answer = ask()
        if answer.interrupted:
            raise KeyboardInterrupt
        return answer

    with keeping(kept):
        ab.fit(spec, small_panel, **SETTINGS)  # of which two chains are those of the original model
        stopping(1)
        with pytest.warns(ab.FitWarning, match=r"^Interrupted after 1 of 2 models"), pytest.raises(KeyboardInterrupt):
            kept.result("question", asked)
        assert kept.in_words == "5 finished chains"
        seeds.clear()
        answer = kept.result("question", asked)
        assert seeds == [chain_seed(6, 1)]
        assert kept.in_words == "4 finished chains and 1 finished result"
        seeds.clear()
        for again in (answer, kept.result("question", asked)):
            assert str(again) == str(whole)
            assert again.table.equals(whole.table)
            for name, part in again.parts.items():
                assert part.draws.identical(whole.parts[name].draws)
        assert seeds == []


def test_nothing_is_kept_of_pymc(spec, small_panel, tmp_path):
    settings = Settings(10, 10, 2, 1, 0.8, 1, "pymc")
    with keeping(Kept(tmp_path, versions())):
        assert sampling.kept_chains(ab.fit(spec, small_panel, **SETTINGS).model, settings) is None
    assert Path(tmp_path).is_dir()
