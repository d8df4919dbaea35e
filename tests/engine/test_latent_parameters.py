"""Random variables of families, state and selection: which parameter each one is, and in which units."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import panel_model
from latent_people import NAMES, people

SPEC = ab.RICLPM(
    ["alliance", "days", "scale"],
    lags="equal",
    families={"days": ab.Days("window"), "scale": ab.Items(["item1", "item2"], 4, lowest=0)},
    covariates={"age": "intercepts"},
    state=ab.State(
        "sponsor", ["alliance"], ["work"], ["days"], ["alliance", "age"], ["days"], same=0.9, effect=ab.Normal(0.1, 0.3)
    ),
    selection=[
        ab.Selection("interview", on=["alliance"], before=["days"], effect=ab.Normal(0.3, 0.2)),
        ab.Selection("days", intercept=ab.Normal(2, 1)),
    ],
)


@pytest.fixture(scope="module")
def model():
    return panel_model(SPEC, people(30, 3, required=["alliance"], seed=6))


def numbers(model):
    """A draw of every random variable, and the parameters that follow from it by name."""
    drawn = model.scale.draw(1, np.random.default_rng(4))
    thetas, proper = run_many(model.scale.join(drawn), model.scale.arrays)
    assert proper[0]
    blocks = {}
    for block in model.scale.blocks:
        blocks[block.name] = drawn[block.name][0]
    return blocks, dict(zip(model.system.names, thetas[0].tolist(), strict=True))


SAME = {
    "sponsor_first_intercept": ["intercept sponsor, 0"],
    "sponsor_first_on": ["work -> sponsor, 0"],
    "sponsor_acquired_intercept": ["intercept sponsor acquired, 3", "intercept sponsor acquired, 9"],
    "sponsor_acquired_on": ["days -> sponsor acquired"],
    "sponsor_kept_intercept": ["intercept sponsor kept, 3", "intercept sponsor kept, 9"],
    "sponsor_kept_on": ["alliance -> sponsor kept", "age -> sponsor kept"],
    "sponsor_effect": ["sponsor -> days"],
    "interview_seen_intercept": ["intercept interview seen, 3", "intercept interview seen, 9"],
    "interview_seen_on": ["alliance -> interview seen"],
    "interview_seen_before": ["days before -> interview seen"],
    "days_seen_intercept": [f"intercept days seen, {time}" for time in (0, 3, 9)],
    "slope_days": ["slope days"],
    "interior_slope_days": ["interior_slope days"],
    "precision_days": ["precision days"],
    "share_days": ["share 1 days", "share 2 days"],
    "loading_scale": ["loading item1 scale", "loading item2 scale"],
    "share_scale": [f"share {cut} item{item} scale" for item in (1, 2) for cut in (1, 2, 3)],
}
PRIORS = {
    "sponsor_kept_intercept": ab.Normal(0, 1.5),
    "sponsor_kept_on": ab.Normal(0, 0.5),
    "sponsor_effect": ab.Normal(0.1, 0.3),
    "relative_restart_mean": ab.Normal(0.1, 0.3),
    "interview_seen_on": ab.Normal(0.3, 0.2),
    "interview_seen_before": ab.Normal(0, 0.5),
    "days_seen_intercept": ab.Normal(2, 1),
    "slope_days": ab.LogNormal(0.5, 0.5),
    "loading_scale": ab.LogNormal(0.3, 0.7),
}


def test_each_has_its_parameters_and_its_prior(model):
    blocks, values = numbers(model)
    for name, parameters in SAME.items():
        np.testing.assert_array_equal(blocks[name].ravel(), [values[parameter] for parameter in parameters], name)
    first = blocks["relative_total_sd"][0]
    within = {name: values[f"within variance {name}, 0"] for name in ("alliance", "days", "scale")}
    restart = within["alliance"] * blocks["relative_restart_sd"][0] ** 2
    assert values["restart variance alliance"] == pytest.approx(restart)
    assert values["restart mean alliance"] == pytest.approx(first * blocks["relative_restart_mean"][0])
    sds = np.sqrt(list(within.values()))
    covariance = np.diag(list(within.values()))
    for row, one in enumerate(within):
        for column, two in list(enumerate(within))[row + 1 :]:
            covariance[row, column] = covariance[column, row] = values[f"within covariance {one}, {two}, 0"]
    effects = np.array([[values[f"{before} -> {after}"] for before in within] for after in within])
    share = 1 - np.diag(effects @ covariance @ effects.T) / sds**2
    kept = sds**2 * (share + 0.05 + np.hypot(share - 0.05, 0.05)) / 2
    for name, ratio, variance in zip(within, blocks["innovation_ratio"][0], kept, strict=True):
        assert values[f"innovation variance {name}, 0 to 3"] == pytest.approx(ratio**2 * variance)
    priors = {block.name: block.prior for block in model.scale.blocks}
    assert {name: priors[name] for name in PRIORS} == PRIORS
    shares = next(block for block in model.scale.blocks if block.name == "share_scale")
    np.testing.assert_array_equal(shares.beta_shapes, [[0.5] * 6, [1.5, 1, 0.5] * 2])
    for block in model.scale.blocks:
        assert tuple(len(model.scale.coordinates[dim]) for dim in block.dims) == block.shape


def test_a_linear_predictor_has_location_0_and_variance_1_at_the_first_wave(model):
    blocks, values = numbers(model)
    for name in ("days", "scale"):
        assert values[f"between variance {name}"] + values[f"within variance {name}, 0"] == pytest.approx(1)
        assert f"mean {name}, 0" not in values
        assert f"mean {name}, 3" in values
    total = values["between variance alliance"] + values["within variance alliance, 0"]
    assert total == pytest.approx(blocks["relative_total_sd"][0] ** 2)
    assert "mean alliance, 0" in values
    assert blocks["relative_mean"].shape == (3, 1)
    assert blocks["latent_mean"].shape == (2, 2)
    np.testing.assert_array_equal(
        blocks["latent_mean"], [[values[f"mean {name}, {time}"] for name in ("days", "scale")] for time in (3, 9)]
    )


def test_units_are_those_of_the_columns(model):
    panel = model.panel
    alliance = panel.values[:, :, NAMES.index("alliance")]
    deviations = alliance - np.nanmean(alliance, axis=0)
    sd = np.sqrt(np.nansum(deviations**2) / (~np.isnan(alliance)).sum())
    assert model.unit[0] == pytest.approx(sd, rel=0.05)
    np.testing.assert_array_equal(model.unit[1:], 1)
    np.testing.assert_array_equal(model.centre[1:], 0)
    unit, centre = model.unit[0], model.centre[0]
    age = panel.covariates["age"].std()
    _, values = numbers(model)
    theta = np.array(list(values.values()))
    raw = dict(zip(values, model.to_raw(theta), strict=True))
    factors = {
        "alliance -> sponsor kept": 1 / unit,
        "age -> sponsor kept": 1 / age,
        "days -> sponsor acquired": 1,
        "sponsor -> days": 1,
        "restart mean alliance": unit,
        "restart variance alliance": unit**2,
        "alliance -> interview seen": 1 / unit,
        "alliance -> days": 1 / unit,
        "days -> alliance": unit,
        "age -> intercept alliance": unit / age,
        "age -> intercept days": 1 / age,
        "mean days, 3": 1,
        "share 2 days": 1,
        "loading item1 scale": 1,
        "intercept sponsor kept, 3": 1,
    }
    for name, factor in factors.items():
        assert raw[name] == pytest.approx(values[name] * factor), name
    assert raw["mean alliance, 3"] == pytest.approx(values["mean alliance, 3"] * unit + centre)
    np.testing.assert_allclose(model.from_raw(model.to_raw(theta)), theta, rtol=1e-10, atol=1e-12)


def test_a_measure_that_most_people_lose_is_identified_by_those_who_have_it():
    """No history has the alliance throughout; with effects of each interval all must be looked at."""
    histories = np.array([(1, 1, 1, 0), (0, 0, 1, 1), (0, 0, 0, 0)], dtype=float)
    panel = people(30, 4, required=["alliance"], histories=histories)
    spec = ab.RICLPM(["alliance", "trust"], lags="free", state=ab.State("sponsor", ["alliance"]))
    assert panel_model(spec, panel).n_persons == 30


@pytest.mark.parametrize("kind", [ab.RICLPM, ab.CLPM])
@pytest.mark.parametrize("lags", ["equal", "free"])
def test_the_prior_does_not_favour_the_direction_from_or_to_a_measure_with_a_family(kind, lags):
    model = panel_model(kind(["trust", "days"], lags=lags, families={"days": ab.Days(14)}), people(30, 3))
    psi = model.scale.join(model.scale.draw(20_000, np.random.default_rng(1)))
    thetas, proper = run_many(psi, model.scale.arrays)
    vectors = model.derive(thetas[proper])
    effects = {each.name: each for each in model.derived.quantities}["lagged_standardized"]
    sizes = np.abs(vectors[:, effects.where].reshape(-1, *effects.shape))
    for interval in range(2):
        into_days, into_trust = sizes[:, interval, 2], sizes[:, interval, 1]
        first, second = into_days > into_trust + 0.03, into_trust > into_days + 0.03
        assert abs(first.mean() - second.mean()) < 4.5 * np.sqrt((first | second).mean() / len(first))
        assert 0.3 < first.mean() < 0.5
