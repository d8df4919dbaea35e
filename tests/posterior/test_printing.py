"""What is printed of a fit: its lagged effects, and each assumption once in a run."""

from html import escape

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.whole_tables import MOST_PRINTED, WholeTable
from alliance_bayes.posterior.printing import lagged_effects


def test_a_fit_prints_the_effects_that_its_answer_prints(small_fit):
    lines = str(small_fit).splitlines()
    rows = {line.split("  ")[0]: line.split() for line in lines[2:6]}
    assert set(rows) == {"alliance -> days", "days -> alliance", "alliance -> alliance", "days -> days"}
    table = ab.directionality(small_fit, "alliance", "days").table
    for (path, _), row in table[table.index.get_level_values("over").str.startswith("average")].iterrows():
        assert float(rows[path][3]) == pytest.approx(row["mean"], abs=0.005)
    assert "..." not in str(small_fit)


def test_equal_effects_of_a_fit_are_averaged_and_free_ones_have_a_row_for_each_interval(small_fit):
    panel, posterior = small_fit.panel, small_fit.posterior
    labels = {
        lags: [line.split("  ")[0] for line in str(lagged_effects(posterior, spec, panel)).splitlines()]
        for lags in ("equal", "free")
        for spec in [ab.RICLPM(["alliance", "days"], lags=lags, remove=["days -> alliance"])]
    }
    heading, paths = "Lagged effects, SD per SD", ("alliance -> days", "alliance -> alliance", "days -> days")
    assert labels["equal"] == [heading, *paths]
    assert labels["free"] == [
        heading,
        *(f"{path}, {over}" for path in paths for over in small_fit.posterior["interval"].to_numpy()),
    ]


@pytest.mark.parametrize(
    "spec",
    [
        ab.RICLPM(["x", "y"], covariates={"age": ["intercepts"]}),
        ab.STARTS(["x", "y"]),
        ab.CLPM(
            ["x", "y"],
            families={"y": ab.YesNo()},
            state=ab.State("s", required_by=["x"], acts_on=["y"]),
            selection=[ab.Selection("interview", before=["y"])],
        ),
    ],
    ids=["riclpm", "starts", "latent"],
)
def test_each_assumption_is_about_one_thing(spec):
    groups = [getattr(sentence, "about", "meaning") for sentence in spec.assumptions]
    assert set(groups) - {"error"} == {"meaning", "missing", "model"}
    assert groups.count("error") == (spec.kind != "starts")
    assert len(set(spec.assumptions)) == len(spec.assumptions)


def test_a_run_says_every_assumption_once(small_fit):
    run = "\n".join([str(small_fit), str(ab.directionality(small_fit, "alliance", "days"))])
    assert [run.count(sentence) for sentence in small_fit.spec.assumptions] == [1] * len(small_fit.spec.assumptions)
    assert np.all([sentence.endswith(".") for sentence in small_fit.spec.assumptions])


def test_tables_of_a_fit_print_every_column(small_fit):
    for table in (small_fit.check(), small_fit.summary(["lagged"])):
        lines = str(table).splitlines()
        assert "..." not in str(table)
        assert all(str(column) in lines[0] for column in table.columns)
        assert len(lines) >= 1 + len(table)
    assert "verdict" in str(small_fit.check())
    long = WholeTable({"value": np.zeros(MOST_PRINTED + 1_000)})
    assert str(long).splitlines()[-1] == "1,000 more rows; .to_string() prints all."
    assert isinstance(long.iloc[:3], WholeTable)
    assert long._repr_html_().splitlines()[-1] == "1,000 more rows; .to_string() prints all."
    wide = WholeTable({f"column {n}": ["long" * 20] for n in range(40)})
    assert wide._repr_html_().count(f"<td>{'long' * 20}</td>") == 40


def test_a_page_shows_what_is_printed(small_fit):
    for shown in (small_fit, small_fit.panel, small_fit.spec):
        assert shown._repr_html_() == f"<pre>{escape(str(shown))}</pre>"


def tables(small_fit):
    """Every public table of a fit, of maximum likelihood, of an answer and of a panel."""
    answer = ab.directionality(small_fit, "alliance", "days")
    likelihood = ab.maximum_likelihood(small_fit.spec, small_fit.panel)
    yield from (answer.table, answer.evidence, *answer.tables.values())
    yield from (likelihood.table, likelihood.standardized, likelihood.r_squared, likelihood.residuals)
    yield from (likelihood.summary(), small_fit.summary(), small_fit.check(), small_fit.person_scores())
    yield from (
        small_fit.forecast(small_fit.panel.times[-1]),
        small_fit.panel.coverage(),
        small_fit.panel.contradictions,
    )
    yield ab.preview(small_fit.spec, small_fit.panel, seed=1).table


def test_no_public_table_hides_columns_rows_or_texts_behind_dots(small_fit):
    for table in tables(small_fit):
        assert isinstance(table, WholeTable)
        assert "..." not in str(table)
        assert not any(line.split()[0].endswith(".0") for line in str(table).splitlines() if line.split())


def test_whole_times_are_printed_without_decimals_and_large_numbers_with_their_digits(small_fit):
    index = pd.MultiIndex.from_tuples([("x", 0.0), ("x", 2.5)], names=["measure", "time"])
    printed = str(WholeTable({"mean": [1234.4, 0.0123]}, index=index)).splitlines()
    assert [line.split() for line in printed[2:]] == [["x", "0", "1,234"], ["2.5", "0.0123"]]
    assert not any(".0," in label or ".0]" in label for label in small_fit.summary().index)
