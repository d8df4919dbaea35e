"""Truths of every kind in the [truth] section of a model file."""

import pytest
import tomlkit
from truths import KINDS

import alliance_bayes as ab
from alliance_bayes.simulation import GroupTruth, Truth
from alliance_bayes.spec.mapping import spec_to_mapping


def document(spec, truth):
    """A model file as text."""
    model = {name: value for name, value in spec_to_mapping(spec).items() if name in ("kind", "lags")}
    panel = {"person": "id", "time": "month", "measures": list(spec.measures)}
    sections = {"format": 1, "title": "A truth", "panel": panel, "model": model, "truth": truth.to_mapping()}
    return tomlkit.dumps(sections)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 6), (3, 4)])
def test_a_truth_of_any_kind_is_read_from_a_file(make, n_measures, n_waves, tmp_path):
    truth = make(n_measures, n_waves)
    path = tmp_path / "model.toml"
    path.write_text(document(truth.spec, truth))
    file = ab.load(path)
    assert file.truth == truth
    frame = file.simulate(persons=5, seed=1)
    assert frame.shape == (5 * n_waves, 2 + n_measures)
    file.save(tmp_path / "again.toml")
    assert ab.load(tmp_path / "again.toml").truth == truth


def test_problems_of_a_truth_are_those_of_its_section(tmp_path):
    path = tmp_path / "model.toml"
    text = document(ab.STARTS(["x", "y"]), Truth(ab.CLPM(["x", "y"]), times=[0, 1, 2, 3]))
    path.write_text(text)
    with pytest.raises(ab.ModelFileError) as error:
        ab.load(path)
    assert str(error.value) == (
        "model.toml cannot be used as a model file. 2 problems:\n"
        "  1. [truth] icc is missing: the share of variance that is stable between persons, a number at least 0 and "
        "below 1.\n"
        "  2. [truth] error_share is missing: the share of the other variance that is measurement error, a number at "
        "least 0 and below 1."
    )


def test_groups_are_read_by_their_labels(tmp_path):
    """The file's model has no groups, which is what the truth then says."""
    truth = Truth(ab.RICLPM(["x", "y"], group_lags="free"), times=[0, 1, 2], icc=0.5)
    path = tmp_path / "model.toml"
    path.write_text(document(ab.RICLPM(["x", "y"]), GroupTruth({"north": truth, "south": truth})))
    with pytest.raises(ab.ModelFileError, match=r"\[truth\] The model has no groups; say group_lags = 'free'"):
        ab.load(path)
