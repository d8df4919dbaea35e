"""The page: whole, safe, and with the numbers of the answers."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from parsed_page import parsed

import alliance_bayes as ab
from alliance_bayes.pages import report as module
from alliance_bayes.pages.figure import Figure
from alliance_bayes.pages.path_diagram import path_diagram
from alliance_bayes.pages.record import panel_fingerprint
from alliance_bayes.pages.wording import methods_paragraph
from alliance_bayes.panel import LeftOut
from alliance_bayes.questions.answer import Sampling
from alliance_bayes.questions.likelihood_arguments import LikelihoodArguments
from alliance_bayes.questions.maximum_likelihood import _answer as of_maximum_likelihood
from fabricated import HEALTHY
from saved_fits import made_up_fit, made_up_fit_of

HOSTILE = ("<script>alert(1)</script>", "\"quoted\" & 'single'", "x" * 200, "اسم الطبيب")
SCRIPT = Path(module.__file__).parent / "templates" / "page.js"


def examined(fit):
    """A made-up fit as one that was sampled: with draws of the prior, and healthy."""
    draws = xr.DataTree.from_dict({**fit.draws.to_dict(), "/prior": fit.posterior})
    return replace(fit.with_draws(draws), examined=HEALTHY)


def page_of(fit, answers, folder, **options):
    return parsed(ab.report(fit, answers, folder / "report.html", **options).read_text("utf-8"))


@pytest.fixture(scope="module")
def answers(small_fit):
    return {
        "direction": ab.directionality(small_fit, "alliance", "days"),
        "curve": ab.lag_curve(small_fit),
        "long run": ab.long_run_effects(small_fit),
    }


@pytest.fixture(scope="module")
def page(small_fit, answers, tmp_path_factory):
    return page_of(small_fit, answers, tmp_path_factory.mktemp("page"), title="Who leads?")


def test_headings_are_in_order(page):
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_sections_come_in_the_order_of_reading(page):
    names = [section.attributes["id"] for section in page.all("section")]
    assert names == [
        *("answer", "estimand", "assumptions", "change", "model", "lag", "data", "fit", "health", "text"),
        *("checklists", "reproducibility"),
    ]


def test_every_figure_has_a_name_and_its_numbers(page):
    figures = list(page.all("figure"))
    assert len(figures) >= 7
    for figure in figures:
        assert list(figure.all("table"))
        pictures = list(figure.all("svg"))
        assert pictures or list(figure.all("img"))
        assert all(picture.attributes["role"] == "img" and picture.attributes["aria-label"] for picture in pictures)
    assert all(list(table.all("caption")) for table in page.all("table"))
    with pytest.raises(ValueError, match="has no table"):
        Figure("A figure", (), "", ())


def test_links_stay_on_the_page_and_names_are_unique(page):
    identities = [element.attributes["id"] for element in everything(page) if "id" in element.attributes]
    assert len(set(identities)) == len(identities)
    targets = {element.attributes["href"] for element in page.all("a")}
    assert targets <= {f"#{identity}" for identity in identities}


def everything(element):
    for part in element.inside:
        if not isinstance(part, str):
            yield part
            yield from everything(part)


def test_the_file_needs_nothing_else(small_fit, answers, tmp_path):
    path = ab.report(small_fit, answers, tmp_path / "page.html")
    text = path.read_text("utf-8")
    assert path.stat().st_size < 3_000_000
    assert not re.search(r"https?://|url\(|@import", text)
    assert "default-src 'none'" in text
    assert list(parsed(text).all("link", "iframe", "object")) == []
    images = list(parsed(text).all("img"))
    assert all(image.attributes["src"].startswith("data:") and image.attributes["alt"] for image in images)


def test_assumptions_come_before_any_word_of_causes(small_fit, tmp_path):
    page = page_of(small_fit, ab.directionality(small_fit), tmp_path)
    (body,) = page.all("body")
    before, after = body.text.split("What it rests on", 2)[0::2]
    assert not re.search("caus", before, re.IGNORECASE)
    for assumption in small_fit.spec.assumptions:
        assert assumption in after


def test_hostile_names_are_texts(tmp_path):
    panel = ab.Panel.from_arrays(
        np.random.default_rng(1).normal(size=(30, 3, 4)), measures=HOSTILE, times=[0, 1, 2], time_unit="<b>months</b>"
    )
    fit = examined(made_up_fit_of(ab.RICLPM(HOSTILE), panel))
    asked = ab.directionality(fit, HOSTILE[0], HOSTILE[1]), ab.lag_curve(fit)
    page = page_of(fit, asked, tmp_path, title=HOSTILE[0], model_file=HOSTILE[0], record={HOSTILE[0]: HOSTILE[1]})
    assert len(list(page.all("script"))) == 3  # two of data, one of the page
    assert list(page.all("b")) == []
    assert next(page.all("h1")).text == HOSTILE[0]
    tables = [cell.text for cell in page.all("th")]
    for name in HOSTILE:
        assert any(name in cell for cell in tables)
    for data in page.all("script"):
        if data.attributes.get("type") == "application/json":
            assert HOSTILE[0] in " ".join(json.loads(data.text)["paths"])
    assert "<script>alert" not in (tmp_path / "report.html").read_text("utf-8")


def moving_data(page):
    return [json.loads(one.text) for one in page.all("script") if one.attributes.get("type") == "application/json"]


def test_the_moving_part_starts_from_the_numbers_of_the_answer(page, answers):
    direction, by_lag = moving_data(page)
    evidence = answers["direction"].evidence
    (case,) = direction["cases"]
    assert list(case["printed"].values()) == evidence["probability"].tolist()
    assert case["margin"] == answers["direction"].arguments["margin"]
    table = answers["curve"].table
    for path, rows in zip(by_lag["paths"], by_lag["table"], strict=True):
        for lag, (mean, _, _, positive) in zip(by_lag["lags"], rows, strict=True):
            np.testing.assert_allclose(
                [mean, positive], table.loc[(path, lag), ["mean", "p_positive"]].astype(float), rtol=1e-5
            )


def test_tables_hold_the_numbers_of_the_answer(page, answers):
    cells = {cell.text for cell in page.all("td")}
    for mean in answers["direction"].table["raw_mean"].unique():
        assert f"{mean:.3g}" in cells


@pytest.mark.skipif(shutil.which("node") is None, reason="needs a JavaScript engine (node); `make pages` has one")
def test_the_page_counts_as_the_package_does(small_fit, page):
    data = moving_data(page)[0]
    margins = [0.0, 0.01, 0.03, 0.1, 0.25]
    program = f"""
        const rules = require({json.dumps(str(SCRIPT))}), given = JSON.parse(require("fs").readFileSync(0));
        console.log(JSON.stringify(given.margins.map((margin) => rules.direction(given.draws, margin))));
    """
    given = json.dumps({"margins": margins, "draws": data["cases"][0]["draws"]})
    counted = json.loads(
        subprocess.run(["node", "-e", program], input=given, capture_output=True, check=True, text=True).stdout
    )
    for margin, shares in zip(margins[1:], counted[1:], strict=True):
        answer = ab.directionality(small_fit, "alliance", "days", margin=margin)
        np.testing.assert_allclose(shares, answer.evidence["probability"], atol=1e-12)
    first, second, both, none = counted[0]
    assert (first + second, both, none) == (1.0, 1.0, 0.0)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs a JavaScript engine (node); `make pages` has one")
def test_shares_are_written_and_missing_draws_left_out_as_in_the_package():
    program = f"""
        const rules = require({json.dumps(str(SCRIPT))});
        const draws = [[0.2, null, -0.1, 0.0], [0.1, 0.1, 0.3, 0.0]];
        console.log(JSON.stringify([rules.direction(draws, 0.05), rules.positive(draws[0]),
            [0.9995, 0.0002, 0.5, NaN].map((share) => rules.words(share, 4000)), rules.words(0.001, 200)]));
    """
    done = subprocess.run(["node", "-e", program], capture_output=True, check=True, text=True)
    events, positive, words, few = json.loads(done.stdout)
    np.testing.assert_allclose(events, [1 / 3, 1 / 3, 2 / 3, 1 / 3])
    assert positive == 0.5
    assert words == ["> 0.999", "< 0.001", "0.500", "undefined"]
    assert few == "< 0.01"


@pytest.mark.parametrize("size", [2, 3, 6])
def test_nothing_overlaps_in_the_path_diagram(size):
    names = [f"measure number {index}" for index in range(size)]
    panel = ab.Panel.from_arrays(np.random.default_rng(2).normal(size=(60, 3, size)), measures=names, times=[0, 6, 12])
    figure = path_diagram(made_up_fit_of(ab.RICLPM(names), panel), "The model")
    texts = list(parsed(figure.pictures[0]).all("text"))
    stable = 1 + size + size * (size - 1) // 2  # head, shares, correlations
    assert len(texts) == 3 + size + 2 * size**2 + stable
    boxes = [box_of(one) for one in texts]
    (picture,) = parsed(figure.pictures[0]).all("svg")
    assert all(left >= 0 and right <= float(picture.attributes["width"]) for left, right, _, _ in boxes)
    overlapping = [(first, second) for first, second in combinations(boxes, 2) if overlap(first, second)]
    assert overlapping == []
    assert len(figure.tables[0].rows) == 2 * size**2


def box_of(element):
    """Left, right, top and bottom of a text of 12 px, by the widths of common fonts."""
    x, y = (float(element.attributes[name]) for name in "xy")
    width = 6.8 * len(element.text)
    left = {"middle": x - width / 2, "end": x - width}.get(element.attributes.get("text-anchor"), x)
    return left, left + width, y - 10, y + 2


def overlap(one, other):
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def test_a_removed_path_is_not_drawn():
    names = ["x", "y"]
    panel = ab.Panel.from_arrays(np.random.default_rng(2).normal(size=(60, 3, 2)), measures=names, times=[0, 6, 12])
    rows = path_diagram(made_up_fit_of(ab.RICLPM(names, remove=["x -> y"]), panel), "The model").tables[0].rows
    assert {row[0] for row in rows} == {"x -> x", "y -> x", "y -> y"}


def test_mediation_brings_its_bars_and_its_checklist(tmp_path):
    names = ["x", "m", "y"]
    panel = ab.Panel.from_arrays(np.random.default_rng(2).normal(size=(60, 4, 3)), measures=names, times=[0, 6, 12, 18])
    fit = examined(made_up_fit_of(ab.RICLPM(names), panel))
    answer = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=12)
    page = page_of(fit, answer, tmp_path)
    assert next(page.all("h1")).text == "Does x act on y through m?"
    (section,) = [one for one in page.all("section") if one.attributes["id"] == "mediation"]
    heads = {cell.text for cell in section.all("th")}
    assert {"total", "direct", "indirect"} <= heads
    assert any("AGReMA" in heading.text for heading in page.all("h3"))


def test_a_panel_of_moments_has_a_page_without_people(tmp_path):
    fit = examined(made_up_fit("moments"))
    page = page_of(fit, ab.directionality(fit), tmp_path)
    titles = {one.text for one in page.all("div") if "figure-title" in one.classes}
    assert "Who was observed when" in titles
    assert not titles & {"Raw values", "Patterns of observed and absent values"}


def test_groups_have_a_diagram_each(tmp_path):
    fit = examined(made_up_fit("groups"))
    page = page_of(fit, ab.directionality(fit, group="a"), tmp_path)
    titles = [one.text for one in page.all("div") if "figure-title" in one.classes]
    assert [title for title in titles if "group" in title] == [
        "Random-intercept cross-lagged panel model, group a",
        "Random-intercept cross-lagged panel model, group b",
    ]


def test_raw_values_of_people_can_be_left_out(small_fit, answers, tmp_path):
    page = page_of(small_fit, answers["direction"], tmp_path, people=0)
    assert "Raw values" not in {one.text for one in page.all("div") if "figure-title" in one.classes}
    assert not [one for one in page.all("polyline") if "thread" in one.classes]


def test_answers_without_a_fit_have_a_page(answers, tmp_path):
    page = page_of(None, answers["direction"], tmp_path)
    assert "model" not in {section.attributes["id"] for section in page.all("section")}


def test_paragraphs_say_what_was_run(small_fit, page):
    methods, results = [one.text for one in page.all("p") if "paste" in one.classes]
    settings = small_fit.settings
    for said in (
        f"We analysed {small_fit.n_persons} people",
        f"We fitted a {small_fit.spec}.",
        f"2 chains of 150 draws after 200 warm-up draws, target acceptance 0.8, seed {settings.seed}",
        f"cross lagged: {small_fit.spec.priors.cross_lagged}",
        "a margin of 0.03 SD per SD",
    ):
        assert said in methods
    assert "decay" not in methods  # a prior of continuous time
    assert "We assumed that values are missing at random" in methods
    assert "Verdict: undecided." in results
    assert "no sentence here: lag curve and long run effects." in results
    careful = replace(
        small_fit, sample=replace(small_fit.sample, settings=replace(settings, target_accept=0.95, thin=2))
    )
    said = "150 draws (1 of every 2 drawn) after 200 warm-up draws, target acceptance 0.95, seed"
    assert said in methods_paragraph(careful, [])


def test_methods_say_who_was_not_analysed(small_fit):
    without_age = LeftOut("persons", 1200, ("'P1'",), "no value of 'age' (1,200); without_covariates='leave_out'")
    without_row = LeftOut("person", 1, ("'P2'",), "no row at the times asked for")
    rows = LeftOut("rows at times not asked for", 3, ("9 (3)",), "times")
    panel = replace(small_fit.panel, left_out=(rows, without_age, without_row))
    methods = methods_paragraph(replace(small_fit, model=replace(small_fit.model, panel=panel)), [])
    said = (
        "Not analysed: 1,200 persons (no value of 'age' (1,200)), 1 person (no row at the times asked for) and 1 "
        "person (no value of the measures). Of all values"
    )
    assert said in methods


def test_what_is_no_answer_is_refused(small_fit, answers, tmp_path):
    for given in ("directionality", [], {"one": 1}, 3):
        with pytest.raises(ab.SpecError, match="answers must be"):
            ab.report(small_fit, given, tmp_path / "page.html")
    with pytest.raises(ab.SpecError, match="people must be a whole number of at least 0; got -1"):
        ab.report(small_fit, answers, tmp_path / "page.html", people=-1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.html.png"])
def test_a_page_is_written_as_html_or_not_at_all(small_fit, answers, tmp_path, name):
    with pytest.raises(ab.AllianceBayesError, match=r"must end in \.html or \.htm; got .*print it to PDF"):
        ab.report(small_fit, answers, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_parameters_is_a_table(small_fit, tmp_path):
    answer = of_maximum_likelihood(small_fit.spec, small_fit.panel, LikelihoodArguments())
    page = page_of(small_fit, {"maximum_likelihood": answer}, tmp_path)
    (article,) = page.all("article")
    (table,) = article.all("table")
    names = [cell.text for cell in table.all("th") if cell.attributes["scope"] == "row"]
    assert names == list(answer.basis.table.index)
    paragraphs = [one.text for one in article.all("p")]
    assert not any(len(paragraph.splitlines()) > 3 for paragraph in paragraphs)
    assert str(answer).startswith(str(answer.basis))


def test_headings_of_several_lines_keep_them(small_fit, answers, tmp_path):
    heading = "A test of two models\nsmaller: one <i>\nlarger: the other"
    answer = replace(answers["direction"], question="likelihood_ratio_test", heading=heading)
    page = page_of(small_fit, answer, tmp_path)
    said = [one for one in (*page.all("p"), *page.all("dd")) if heading in one.text]
    assert len(said) == 2
    assert all("lines" in one.classes for one in said)
    assert "A test of two models" in {one.text for one in page.all("caption")}
    assert "smaller: one &lt;i&gt;<br>" in answer._repr_html_()


def test_the_head_is_about_the_draws_of_the_fit(small_fit, answers, tmp_path):
    fit = examined(small_fit)
    beside = replace(answers["direction"], health=Sampling(("CLPM: R-hat is 2.",)))
    page = page_of(fit, {"direction": replace(answers["direction"], health=HEALTHY), "compare": beside}, tmp_path)
    assert not [one for one in page.all("p") if "alert" in one.classes]
    (named,) = [one for one in page.all("details") if "problems" in one.classes]
    assert "CLPM: R-hat is 2." in named.text
    results = [one.text for one in page.all("p") if "paste" in one.classes][1]
    assert "In the main fit no problem of the sampling was found" in results
    sick = replace(HEALTHY, problems=("The chains disagree.",))
    page = page_of(replace(fit, examined=sick), replace(answers["direction"], health=sick), tmp_path)
    (alert,) = [one for one in page.all("p") if "alert" in one.classes]
    assert alert.text == "The draws of the main fit cannot be trusted yet. The chains disagree."
    assert not [one for one in page.all("details") if "problems" in one.classes]


def test_the_fingerprint_is_that_of_the_values(small_panel):
    frame = small_panel.to_frame()
    again = ab.Panel.from_long(
        frame,
        person="person",
        time="time",
        measures=small_panel.measures,
        interviewed="interviewed",
        time_unit="months",
    )
    assert panel_fingerprint(again) == panel_fingerprint(small_panel)
    frame.loc[0, "days"] = 99.0
    other = ab.Panel.from_long(
        frame,
        person="person",
        time="time",
        measures=small_panel.measures,
        interviewed="interviewed",
        time_unit="months",
    )
    assert panel_fingerprint(other) != panel_fingerprint(small_panel)
