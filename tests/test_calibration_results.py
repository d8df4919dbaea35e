"""The page on calibration belongs to the file of results beside it, and both to what is shipped."""

import hashlib
import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS, PAGE = DOCS / "calibration.json", DOCS / "calibration.md"
KINDS = (
    "RI-CLPM, equal lags",
    "RI-CLPM, equal lags, as shipped",
    "RI-CLPM, free lags",
    "RI-CLPM on a grid",
    "RI-CLPM in continuous time",
    "RI-CLPM at own times",
    "CLPM",
    "CLPM, as shipped",
    "DPM",
    "STARTS",
    "LCM-SR",
    "ALT",
    "covariates and moderation",
    "groups, pooled lags",
    "indicators",
    "mediation effects",
    "days",
    "count",
    "yes or no",
    "ordinal",
    "items",
    "state",
    "selection",
    "items, days and a state",
)


@pytest.fixture(scope="module")
def record():
    return json.loads(RESULTS.read_text())


def test_the_page_names_the_hash_of_the_results():
    named = re.findall(r"SHA-256 of `calibration\.json`.*: `([0-9a-f]{64})`", PAGE.read_text())
    assert named == [hashlib.sha256(RESULTS.read_bytes()).hexdigest()]


def test_the_page_names_the_version_in_git(record):
    assert re.fullmatch(r"[0-9a-f]{40}( with changes)?", record["git"])
    assert f"git {record['git']}, {record['date']}" in PAGE.read_text()


def test_every_kind_is_in_the_results_and_on_the_page(record):
    assert tuple(record["kinds"]) == KINDS
    page = PAGE.read_text()
    for name, result in record["kinds"].items():
        asked, expected = result["asked"], result["expected"]
        replicates = str(asked) if asked == expected else f"{asked} of {expected}"
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
        kind, size, done, worst, _, _, *counts, _ = [cell.strip() for cell in row.strip("|").split("|")]
        assert (kind, size, done) == (name, f"{result['persons']} × {result['waves']}", replicates)
        assert counts == [str(result[key]) for key in ("tests", "failed", "unhealthy", "divergent")]
        assert (worst == "none") == (result["smallest_p_holm"] >= 0.01)
        assert result["divergent"] <= result["unhealthy"], name


def test_fewer_replicates_than_planned_are_called_preliminary(record):
    few = any(result["asked"] < result["expected"] for result in record["kinds"].values())
    assert few == ("**Preliminary**" in PAGE.read_text())


def test_panels_are_small_and_replicates_many(record):
    for name, result in record["kinds"].items():
        assert result["persons"] <= 60, name
        assert result["waves"] <= 4, name
        assert result["expected"] in (100, 300), name


def test_the_page_says_how_often_the_larger_effect_is_the_larger(record):
    kinds = [result["larger"] for result in record["kinds"].values() if result["scale"] == "held"]
    bins = [tuple(sum(one[key] for one in same) for key in ("n", "said", "true")) for same in zip(*kinds, strict=True)]
    done = [result["asked"] - result["failed"] for result in record["kinds"].values() if result["scale"] == "held"]
    assert sum(n for n, _, _ in bins) == sum(done)
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| 0\.\d+ to ", line)]
    assert len(rows) == sum(n > 0 for n, _, _ in bins)
    for row, (n, said, true) in zip(rows, (one for one in bins if one[0]), strict=True):
        assert f"| {n:,} | {said / n:.3f} | {true / n:.3f} |" in row
