"""Files of fits: whole, readable elsewhere, and refused when a single byte is another."""

import io
import os
from dataclasses import asdict, replace

import arviz
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.basics.seals import BLOCK, Seal, read_seal, seal_of
from alliance_bayes.posterior import prior_draws
from alliance_bayes.posterior.saving import FORMAT, FitRecord, read_fit, write_fit
from alliance_bayes.spec.mapping import spec_to_mapping
from family_cases import CASES
from saved_fits import content, forged, made_up_fit, made_up_fit_of, sealed, whole_file

KINDS = ("persons", "moments", "mixed ids")


@pytest.fixture
def path(tmp_path):
    """The file of a small fit."""
    (tmp_path / "fit.nc").write_bytes(whole_file())
    return tmp_path / "fit.nc"


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_fit_comes_back(kind, tmp_path):
    (tmp_path / "fit.nc").write_bytes(whole_file(kind))
    fit, loaded = made_up_fit(kind), ab.load_fit(tmp_path / "fit.nc")
    assert (loaded.spec, loaded.settings) == (fit.spec, fit.settings)
    assert str(loaded.panel) == str(fit.panel)
    assert list(loaded.draws.children) == list(fit.draws.children)
    xr.testing.assert_identical(loaded.posterior, fit.posterior)


def test_ids_in_numbers_and_words_come_back_with_the_draws_of_people(tmp_path):
    fit = made_up_fit("mixed ids")
    loaded = ab.load_fit(fit.save(tmp_path / "fit.nc"))
    everybody, with_values = [1, 2.5, 20, "30", "P1", "a"], [2.5, "30", "P1", "a"]
    assert loaded.panel.persons.tolist() == everybody
    for group, people in (
        ("observed_data", everybody),
        ("posterior_predictive", everybody),
        ("log_likelihood", with_values),
    ):
        persons = loaded.draws[group]["person"].to_numpy().tolist()
        assert persons == people
        assert [type(one) for one in persons] == [type(one) for one in people]
        xr.testing.assert_identical(loaded.draws[group].to_dataset(), fit.draws[group].to_dataset())


def test_ids_that_are_dates_come_back(tmp_path):
    """Xarray reads dates in another unit."""
    days = np.repeat(np.array(["2020-01-01", "2020-01-03", "2021-01-01", "2022-01-01"], dtype="M8[D]"), 3)
    x, y = np.random.default_rng(1).normal(size=(2, 12))
    frame = pd.DataFrame({"person": days, "time": [0, 1, 2] * 4, "x": x, "y": y})
    panel = ab.Panel.from_long(frame, person="person", time="time", measures=["x", "y"])
    fit = made_up_fit_of(ab.RICLPM(["x", "y"]), panel, with_all_groups=True)
    assert (ab.load_fit(fit.save(tmp_path / "fit.nc")).panel.persons == panel.persons).all()


def test_an_interrupted_fit_with_fewer_chains_and_draws_comes_back(tmp_path):
    fit = made_up_fit()
    settings = replace(fit.settings, chains=3, draws=50)
    loaded = ab.load_fit(replace(fit, sample=replace(fit.sample, settings=settings)).save(tmp_path / "fit.nc"))
    assert loaded.interrupted == "Interrupted after 4 of 150 draws, in 1 of 3 chains."


def studies():
    tables = {"measures": ["x", "y"], "means": np.zeros(6), "correlation": 0.7 * np.eye(6) + 0.3, "sds": np.ones(6)}
    return ab.Panel.from_studies(
        {name: ab.Panel.from_moments(n=n, times=[0, 1, 2], **tables) for name, n in (("Smith", 50), ("Jones", 80))}
    )


EVERY = CASES | {"studies": (ab.RICLPM(["x", "y"], group_lags="pooled"), studies())}
QUICK = (
    *("riclpm continuous", "paths of one interval", "lag 2", "lcmsr", "alt on a grid", "covariates of waves"),
    *("groups free", "own times", "moderated", "indicators, strict", "studies"),
)


REST = [pytest.param(case, marks=pytest.mark.slow) for case in sorted({*EVERY} - {*QUICK})]


@pytest.mark.parametrize("case", [*QUICK, *REST])
def test_a_fit_of_every_kind_comes_back(case, tmp_path, monkeypatch):
    """What is held against the model on loading holds of every model."""
    monkeypatch.setattr(prior_draws, "N_PRIOR_DRAWS", 4)
    spec, panel = EVERY[case]
    fit = made_up_fit_of(spec, panel)
    loaded = ab.load_fit(fit.save(tmp_path / "fit.nc"))
    assert loaded.spec == spec
    assert str(loaded.panel) == str(panel)
    xr.testing.assert_identical(loaded.posterior, fit.posterior)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forgery_without_a_change_is_read(kind, tmp_path):
    """What the cases of bad files are forged from is good."""
    assert ab.load_fit(forged(tmp_path, kind=kind)).spec == made_up_fit(kind).spec


@pytest.mark.parametrize("read", [xr.open_datatree, arviz.from_netcdf, lambda path: ab.load_fit(path).draws])
def test_xarray_and_arviz_read_the_file_as_it_is(read, path):
    with read(path) as tree:
        xr.testing.assert_equal(tree["posterior"].to_dataset().load(), made_up_fit().posterior)


def test_the_seal_can_be_read_by_eye(path):
    last = path.read_bytes().splitlines()[-1].decode()
    assert last.startswith(f"alliance_bayes fit, format {FORMAT}, SHA-256 ")
    assert len(last.rsplit(" ", 1)[1]) == 64


def test_the_verifier_sees_every_byte():
    file = bytearray(whole_file())
    assert 20_000 < len(file) < 200_000
    good = Seal(FORMAT, True, len(content()))
    assert read_seal(io.BytesIO(file)) == good
    unseen = []
    for place in range(len(file)):
        file[place] ^= 1 << place % 8
        seal = read_seal(io.BytesIO(file))
        if seal is not None and seal.intact and seal.format == FORMAT:
            unseen.append(place)
        file[place] ^= 1 << place % 8
    assert unseen == []
    assert read_seal(io.BytesIO(file)) == good


def test_the_verifier_sees_bytes_on_both_sides_of_its_blocks():
    body = np.random.default_rng(5).bytes(2 * BLOCK + BLOCK // 2)
    file = bytearray(body + seal_of(body, FORMAT))
    assert read_seal(io.BytesIO(file)) == Seal(FORMAT, True, len(body))
    for place in (0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, len(body) - 1):
        file[place] ^= 1
        assert read_seal(io.BytesIO(file)) == Seal(FORMAT, False, len(body)), place
        file[place] ^= 1


def test_two_thousand_flips_and_cuts_are_refused(path):
    whole, rng = whole_file(), np.random.default_rng(4)
    messages = []

    def load():
        with pytest.raises(ab.AllianceBayesError) as caught:
            ab.load_fit(path)
        messages.append(str(caught.value))

    with path.open("r+b", buffering=0) as file:
        for place in rng.choice(len(whole), 1500, replace=False).tolist():
            os.pwrite(file.fileno(), bytes([whole[place] ^ int(rng.integers(1, 256))]), place)
            load()
            os.pwrite(file.fileno(), whole[place : place + 1], place)
        ab.load_fit(path)
        for size in sorted(rng.choice(len(whole), 500, replace=False).tolist(), reverse=True):
            file.truncate(size)
            load()
    assert len(messages) == 2000
    assert [message for message in messages if not message.startswith(str(path)) or "\n" in message] == []


def test_nothing_of_a_damaged_file_is_parsed(path, monkeypatch):
    path.write_bytes(whole_file()[:-1] + b"?")
    monkeypatch.setattr(xr, "open_datatree", lambda *_, **__: pytest.fail("the file was parsed"))
    with pytest.raises(ab.AllianceBayesError, match=r"does not end in the checksum that Fit.save writes"):
        ab.load_fit(path)


def test_what_is_missing_of_a_fit_stays_on_record(tmp_path):
    fit = made_up_fit()
    record = FitRecord(spec_to_mapping(fit.spec), asdict(fit.settings), ("chains stopped after 3 draws",))
    write_fit(tmp_path / "fit.nc", record, fit.panel, fit.draws)
    assert read_fit(tmp_path / "fit.nc")[0] == record


def test_numbers_of_other_libraries_do_not_make_a_file(path, tmp_path):
    """A seal can be made by anybody; what it closes is held against what a fit is."""
    with pytest.raises(ab.AllianceBayesError, match=r"does not hold what Fit.save writes"):
        ab.load_fit(sealed(tmp_path / "other.nc", bytes(xr.Dataset({"x": 1.0}).to_netcdf(engine="h5netcdf"))))
