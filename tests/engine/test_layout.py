"""A model is laid out once, from parts that need nothing but their own file."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.design import design_of, plain_design
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.keys import Key
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.engine.parts import PARTS, Part
from family_cases import CASES, COVARIATE, GROUPS, panel
from latent_people import people
from oracles.moments import implied_moments

LATENT = ab.RICLPM(
    ["alliance", "days"],
    lags="equal",
    families={"days": ab.Days("window")},
    state=ab.State("sponsor", ["alliance"], keep=["alliance"], acts_on=["days"]),
    selection=ab.Selection("interview", on=["days"], effect=ab.Normal(0.3, 0.2)),
)
EVERY = CASES | {"latent": (LATENT, people(30, 3, required=["alliance"]))}


def drawn(layout, n_draws=2, seed=1):
    """Draws of the random variables, and the parameters that follow from them."""
    psi = layout.scale.join(layout.scale.draw(n_draws, np.random.default_rng(seed)))
    return psi, run_many(psi, layout.scale.arrays)[0]


@pytest.mark.parametrize("name", EVERY)
def test_everything_reads_one_table_of_parameters(name):
    layout = lay_out(EVERY[name][0], design_of(*EVERY[name]))
    names = layout.table.names
    assert len(set(names)) == len(names) == len(layout.scale.to_theta.output)
    assert layout.system.parameters is layout.table.parameters
    positions = np.concatenate([array.ravel() for array in layout.table.arrays.values()])
    assert set(positions[positions >= 0]) == set(range(len(names)))
    assert layout.derived.program.n_inputs == len(names) + 2 * len(layout.spec.measures)


@pytest.mark.parametrize("name", EVERY)
def test_random_variables_and_quantities_have_coordinates(name):
    layout = lay_out(EVERY[name][0], design_of(*EVERY[name]))
    coordinates, names = layout.scale.coordinates, [block.name for block in layout.scale.blocks]
    assert len(set(names)) == len(names)
    for each in (*layout.scale.blocks, *layout.derived.quantities):
        assert tuple(len(coordinates[dim]) for dim in each.dims) == each.shape, each.name


@pytest.mark.parametrize("name", EVERY)
def test_every_random_variable_moves_a_parameter(name):
    """As many numbers are drawn as there are parameters but where groups, or waves, are pooled; none is idle."""
    layout = lay_out(EVERY[name][0], design_of(*EVERY[name]))
    (psi,), (theta,) = drawn(layout, 1)
    moved = np.tile(psi, (len(psi), 1))
    np.fill_diagonal(moved, psi * 1.001 + 1e-6)
    changed = run_many(moved, layout.scale.arrays)[0] != theta
    assert changed.any(axis=1).all()
    assert changed.any(axis=0).all()


def test_a_panel_model_is_laid_out_once():
    model = panel_model(*CASES["dpm"])
    assert model.layout.scale is model.scale is model.scale
    assert model.layout.system is model.system
    assert model.layout.derived is model.derived
    assert model.design is model.layout.design


# ---- a part that the package does not have ----

SAME_WAVE = Key("lagged", of=("same wave",))


class SameWave(Part):
    """An effect of the first measure's within-person part on the second's value at the same wave."""

    def parameters(self, table, group):
        table.put(SAME_WAVE, group, None, [table.add(SAME_WAVE, "x -> y at once", (1, 0), units=("y",), per=("x",))])

    def priors(self, priors):
        effect = priors.add("at_once", ab.Normal(0.0, 0.2), priors.dim("at_once_path", ["x -> y"]))
        priors.let(priors.table.at(SAME_WAVE, 0), effect[0])

    def system(self, system):
        for within, values in zip(system.within, system.values, strict=True):
            system.path(values[1], within[0], system.at(SAME_WAVE)[0])

    def quantities(self, quantities):
        quantities.add("at_once", ("at_once_path",), quantities.at(SAME_WAVE))


def test_a_new_part_is_one_class():
    spec, design = ab.CLPM(["x", "y"]), plain_design((0, 1, 2))
    without, layout = lay_out(spec, design), lay_out(spec, design, (*PARTS, SameWave()))
    assert layout.table.names == (*without.table.names, "x -> y at once")
    assert [block.name for block in layout.scale.blocks][-1] == "at_once"
    psi, theta = (each[0] for each in drawn(layout))
    assert theta[-1] == psi[-1]
    mixed = np.kron(np.eye(3), [[1.0, 0.0], [theta[-1], 1.0]])
    mean, covariance = implied_moments(layout.system, theta)
    plain_mean, plain = implied_moments(without.system, theta[:-1])
    np.testing.assert_allclose(covariance, mixed @ plain @ mixed.T, rtol=1e-12)
    np.testing.assert_array_equal(mean, plain_mean)
    derived = run_many(np.array([[*theta, 0, 0, 1, 1]]), layout.derived.arrays)[0][0]
    assert derived[layout.derived["at_once"].where] == theta[-1]


# ---- combinations ----


def test_trait_loadings_beside_indicators():
    spec = ab.RICLPM(["f", "y"], indicators={"f": ["x", "z", "u"]}, trait_loadings="free")
    names = [block.name for block in lay_out(spec, plain_design(range(4))).scale.blocks]
    assert {"trait_loading", "loading"} <= set(names)
    assert len(set(names)) == len(names)


def test_studies_with_waves_of_their_own_share_what_they_have_in_common():
    """North is asked at 0, 1 and 3, south at 0, 1, 2 and 3: the innovations from 0 to 1 and the means are the same."""
    rng = np.random.default_rng(1)
    studies = {
        name: ab.Panel.from_moments(
            measures=["x", "y"],
            times=times,
            n=100,
            means=rng.normal(size=(len(times), 2)),
            covariance=np.eye(2 * len(times)) + 0.3,
        )
        for name, times in {"north": [0, 1, 3], "south": [0, 1, 2, 3]}.items()
    }
    spec = ab.CLPM(["x", "y"], lags="grid", group_lags="equal", equal_across_groups=["residuals", "means"])
    layout = lay_out(spec, design_of(spec, ab.Panel.from_studies(studies)))
    variances = [name for name in layout.table.names if name.startswith("innovation variance x")]
    assert variances == [f"innovation variance x, {interval}" for interval in ("0 to 1", "1 to 3", "1 to 2", "2 to 3")]
    assert [name for name in layout.table.names if name.startswith("mean x")] == [f"mean x, {t}" for t in (0, 1, 3, 2)]
    (block,) = [block for block in layout.scale.blocks if block.name == "innovation_ratio"]
    assert layout.scale.coordinates[block.dims[0]] == ("0 to 1", "1 to 3", "1 to 2", "2 to 3")
    north, south = (implied_moments(layout.system, drawn(layout)[1][0], cell) for cell in (0, 1))
    np.testing.assert_allclose(north[0], south[0][[0, 1, 2, 3, 6, 7]])


def test_a_moderated_lag_of_all_groups_counts_per_sd_of_its_covariate_once():
    spec = ab.RICLPM(["x", "y"], moderated={"y -> x": "c"}, group_lags="equal")
    layout = lay_out(spec, design_of(spec, panel(2, 4, groups=GROUPS, covariates={"c": COVARIATE})))
    (parameter,) = [each for each in layout.table.parameters if each.kind == "moderation"]
    assert (parameter.name, parameter.units, parameter.per) == ("y -> x by c", ("x",), ("y", "c"))


@pytest.mark.parametrize("invariance", ["configural", "weak"])
def test_lines_of_a_measure_whose_indicators_have_the_means(invariance):
    spec = ab.LCMSR(["f", "y"], indicators={"f": ["x", "z", "u"]}, invariance=invariance)
    layout = lay_out(spec, plain_design(range(5)))
    assert [name for name in layout.table.names if name.startswith("mean")] == ["mean intercept y", "mean slope y"]
    theta = drawn(layout)[1][0]
    mean, _ = implied_moments(layout.system, theta)
    values = dict(zip(layout.table.names, theta, strict=True))
    want = [values[f"item intercept {item}, {time}"] for time in range(5) for item in ("x", "z", "u")]
    np.testing.assert_allclose(mean.reshape(5, 4)[:, :3].ravel(), want)
