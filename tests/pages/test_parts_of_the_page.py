"""Parts of the page that only some runs have: forecasts, graphs of regressions, imputed panels, the prior."""

import dataclasses

import numpy as np
import pytest
from parsed_page import parsed
from test_report import everything, examined, page_of

import alliance_bayes as ab
from alliance_bayes.figures.colours import COLOURS
from alliance_bayes.pages.answer_figures import answer_figures
from alliance_bayes.pages.causal_graph import layers_of
from alliance_bayes.pages.checklists import barg
from alliance_bayes.pages.forecasts import forecast_figure
from alliance_bayes.pages.wording import estimates_in_words
from alliance_bayes.questions.answer import Sampling
from alliance_bayes.questions.predictive_check import ForecastArguments, _forecast
from causal_truths import normal, people
from fabricated import HEALTHY
from saved_fits import made_up_fit_of

FEW = ab.MonteCarlo(draws=20, progress=False)


@pytest.fixture(scope="module")
def direction(small_fit):
    return ab.directionality(small_fit, "alliance", "days")


def titles_of(page):
    return [one.text for one in page.all("div") if "figure-title" in one.classes]


def test_prior_and_data_without_it_stand_beside_each_effect(small_fit, direction, tmp_path):
    page = page_of(small_fit, direction, tmp_path)
    (figure,) = [one for one in page.all("figure") if "What the data say without the prior" in one.text]
    cells = [[cell.text for cell in (*row.all("th"), *row.all("td"))] for row in figure.all("tr")][1:]
    assert len(cells) == 6
    for name, *numbers in cells:
        path, _, source = name.partition(", ")
        row = direction.table.xs("average of intervals of 6", level="over").loc[path]
        wanted = {"": row["mean"], "prior": row["prior_mean"], "without the prior": row["without_prior"]}[source]
        assert numbers[0] == (f"{wanted:.3g}" if np.isfinite(wanted) else "–")
    prior = small_fit.draws["prior"]["lagged_standardized"].sel(path="alliance -> days")
    assert direction.table["prior_mean"].iloc[0] == pytest.approx(float(prior.mean()))


def test_where_nothing_is_known_without_the_prior_the_page_says_why(small_fit, direction, tmp_path):
    table = direction.table.assign(without_prior=np.nan, without_prior_sd=np.nan, without_prior_by="")
    page = page_of(small_fit, dataclasses.replace(direction, table=table), tmp_path)
    assert "What the data say without the prior" not in titles_of(page)
    (why,) = [one.text for one in page.all("p") if "without the prior of the lags cannot be given" in one.text]
    assert "no proper maximum" in why
    assert "k-hat" in why
    assert "the effects without the prior of the lags stand beside" not in page.text


def test_units_of_linear_predictors_are_named(direction):
    measures = direction.arguments["between"]
    plain, latent = (answer_figures(direction, measures, 9, names)[0] for names in ((), ("days",)))
    assert plain.title == "The effects in the units of the measures"
    assert "linear predictor" not in "".join(map(str, plain.pictures)) + plain.caption
    assert latent.title == "The effects in units of linear predictors"
    assert "effect_in_units" in latent.caption
    assert "linear predictor of days per unit of alliance" in latent.tables[0].caption
    assert all("linear predictor of days" in str(picture) for picture in latent.pictures)


def test_tables_name_the_measures_and_explain_what_is_impossible(direction):
    answer = ab.sensitivity(direction)
    table = answer.table.copy()
    table.iloc[-1, table.columns.get_loc("verdict")] = "impossible"
    (figure,) = answer_figures(dataclasses.replace(answer, table=table), ("alliance", "days"), 9)
    heads = {head for one in figure.tables for head in one.heads}
    assert {"alliance -> days", "days -> alliance lower", "P(days leads)"} <= heads
    assert not any("forward" in head or "backward" in head for head in heads)
    assert "“impossible”: a hidden cause so strong" in figure.caption


def test_comparisons_of_predictions_are_no_bayes_factors(direction):
    def said(question):
        items = barg(None, [dataclasses.replace(direction, question=question)])
        (point,) = [item.said for item in items if item.point.startswith("3C")]
        return point

    assert said("compare") == "Not asked."
    assert said("bayes_factors") == "Asked: Bayes factors."


def test_a_direction_has_one_colour_in_every_figure(small_fit, direction):
    backward = ab.directionality(small_fit, "days", "alliance")
    colours = {"alliance -> days": COLOURS[0], "days -> alliance": COLOURS[1]}
    for answer in (direction, backward, ab.lag_curve(small_fit), ab.sensitivity(direction)):
        handles, names = answer.plot().axes[0].get_legend_handles_labels()
        drawn = {name: handle.get_color() for handle, name in zip(handles, names, strict=True) if name in colours}
        assert drawn == colours, answer.question


def test_the_figure_of_direction_names_its_margin_and_its_prior(direction):
    axes = direction.plot().axes
    names = axes[0].get_legend_handles_labels()[1]
    assert names[0] == "within the margin of 0.03"
    assert names[-1].startswith("prior, ")
    assert axes[0].get_xlim() == axes[1].get_xlim()


def test_every_figure_of_the_page_uses_one_style_for_colours(small_fit, direction, tmp_path):
    ab.report(small_fit, direction, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    for place, colour in enumerate(COLOURS):
        assert text.count(f"--c{place}: {colour};") == 1


def test_forecasts_show_some_people_or_none(small_fit):
    last = float(small_fit.panel.times[-1])
    answer = _forecast(small_fit, ForecastArguments(time=last))
    figure = forecast_figure(answer, small_fit.spec.measures, 10)
    assert len(figure.pictures) == 2
    for picture in figure.pictures:
        rays = [one for one in parsed(picture).all("line") if "ray" in one.classes]
        crosses = [one for one in parsed(picture).all("path") if "cross" in one.classes]
        assert len(rays) == 10
        assert 0 < len(crosses) <= 10
    assert len(figure.tables[0].rows) == 20
    assert forecast_figure(answer, small_fit.spec.measures, 0) is None


def test_regressions_have_a_graph_in_layers(tmp_path):
    equations = [
        normal("m", ["a"], lambda v: v["a"]),
        normal("n", ["a", "m"], lambda v: v["m"]),
        normal("y", ["m", "n", "age"], lambda v: v["n"]),
    ]
    answer = ab.contrast_of_regimes(
        ab.CausalOrder(people(40, age=np.linspace(20, 60, 40)), equations),
        regimes={"none": {"a": 0}, "all": {"a": 1}},
        outcome="y",
        seed=1,
        monte_carlo=FEW,
    )
    page = page_of(None, answer, tmp_path)
    (section,) = [one for one in page.all("section") if one.attributes["id"] == "model"]
    arrows = [one for one in section.all("path") if "path" in one.classes]
    assert len(arrows) == 6
    assert {one.text for one in section.all("text")} == {"a", "age", "m", "n", "y"}


def test_layers_follow_the_longest_way():
    parents = {"a": [], "b": [], "m": ["b"], "n": ["a", "m"], "y": ["a", "n"]}
    assert layers_of(parents) == [["a", "b"], ["m"], ["n"], ["y"]]


def test_imputed_panels_have_a_page_without_values(tmp_path):
    rng = np.random.default_rng(1)
    panels = [ab.Panel.from_arrays(rng.normal(size=(40, 3, 2)), measures=["x", "y"], times=[0, 1, 2]) for _ in range(2)]
    spec = ab.RICLPM(["x", "y"], lags="equal")
    fit = ab.fit_imputations(spec, panels, seed=3, draws=50, tune=60, chains=2, cores=1)
    page = page_of(fit, ab.directionality(fit), tmp_path)
    assert not {"Raw values", "Who was observed when"} & set(titles_of(page))
    methods, _ = [one.text for one in page.all("p") if "paste" in one.classes]
    assert "Missing values were imputed 2 times" in methods
    record = [one.text for one in page.all("dt")]
    assert {"SHA-256 of imputed panel 1", "SHA-256 of imputed panel 2"} <= set(record)


def test_nothing_is_predicted_where_nothing_is_concluded(small_fit, direction):
    healthy = dataclasses.replace(direction, health=HEALTHY)
    said = list(estimates_in_words(healthy, small_fit))
    assert len(said) == 2
    assert all(sentence.endswith(" 6 months later.") for sentence in said)
    assert list(estimates_in_words(dataclasses.replace(healthy, health=Sampling(("R-hat is 2.",))), small_fit)) == []


def test_stable_parts_stand_left_of_the_waves(small_fit, direction, tmp_path):
    page = page_of(small_fit, direction, tmp_path)
    (section,) = [one for one in page.all("section") if one.attributes["id"] == "model"]
    stable = [one for one in everything(section) if one.tag == "rect" and "node" in one.classes]
    assert len(stable) == 2
    correlation = float(small_fit.posterior["between_correlation"].mean())
    assert f"{correlation:.2f}" in {one.text for one in section.all("text")}


def test_models_without_stable_parts_have_none(tmp_path):
    panel = ab.Panel.from_arrays(
        np.random.default_rng(2).normal(size=(60, 3, 2)), measures=["x", "y"], times=[0, 6, 12]
    )
    fit = examined(made_up_fit_of(ab.CLPM(["x", "y"]), panel))
    page = page_of(fit, ab.directionality(fit), tmp_path)
    (section,) = [one for one in page.all("section") if one.attributes["id"] == "model"]
    assert [one for one in everything(section) if one.tag == "rect"] == []
