"""Tables in files: CSV, Markdown, LaTeX, Excel and HTML."""

from types import SimpleNamespace

import pandas as pd
import pytest

import alliance_bayes as ab

TABLE = pd.DataFrame(
    {"mean": [0.123456, -2.0], "verdict": ["misfit | or not", ""]},
    index=pd.MultiIndex.from_tuples([("x -> y", "0 to 1"), ("y -> x", "0 to 1")], names=["path", None]),
)


def test_csv_holds_all_digits(tmp_path):
    path = ab.export_table(TABLE, tmp_path / "new" / "table.csv")
    assert path.read_text().splitlines() == [
        "path,,mean,verdict",
        "x -> y,0 to 1,0.123456,misfit | or not",
        "y -> x,0 to 1,-2.0,",
    ]


def test_markdown_is_aligned_and_escaped(tmp_path):
    path = ab.export_table(TABLE, str(tmp_path / "table.MD"), title="Effects")
    assert path.read_text() == (
        "**Effects**\n\n| path |  | mean | verdict |\n| :-- | :-- | --: | :-- |\n"
        "| x -> y | 0 to 1 | 0.123 | misfit \\| or not |\n| y -> x | 0 to 1 | -2 |  |\n"
    )


def test_great_tables_write_latex_and_html(tmp_path):
    pytest.importorskip("great_tables")
    latex, page = (
        ab.export_table(TABLE, tmp_path / f"table.{end}", title="Effects").read_text() for end in ("tex", "html")
    )
    for text in (latex, page):
        assert all(word in text for word in ("Effects", "mean", "0.123", "misfit", "y -"))
    assert "\\begin{tab" in latex
    assert "<table" in page


def test_excel_is_read_again(tmp_path):
    pytest.importorskip("openpyxl")
    read = pd.read_excel(ab.export_table(TABLE, tmp_path / "table.xlsx"))
    assert read["mean"].tolist() == TABLE["mean"].tolist()
    assert read["path"].tolist() == ["x -> y", "y -> x"]


def test_another_ending_and_a_missing_package_are_said(tmp_path, monkeypatch):
    with pytest.raises(ab.AllianceBayesError, match=r"ends in .csv, .md, .tex, .xlsx or .html"):
        ab.export_table(TABLE, tmp_path / "table.doc")
    for package, ending in (("great_tables", "tex"), ("great_tables", "html"), ("openpyxl", "xlsx")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(
            ab.AllianceBayesError, match=rf'needs the package {package}. Run: pip install "alliance-bayes\[tables\]"'
        ):
            ab.export_table(TABLE, tmp_path / f"table.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_with_one_table_is_that_table(tmp_path):
    table = pd.DataFrame({"x": [1.5]})
    answer = SimpleNamespace(every_table={"table": table})
    written = [ab.export_table(each, tmp_path / name) for each, name in ((answer, "a.md"), (table, "b.md"))]
    assert written[0].read_text() == written[1].read_text()


def test_what_holds_tables_is_pointed_to_them(tmp_path):
    consistency = ab.InternalConsistency(("x", "y"), 0.8, TABLE, TABLE, None)
    with pytest.raises(
        ab.AllianceBayesError, match=r"got an? InternalConsistency, which holds tables: give its .table"
    ):
        ab.export_table(consistency, tmp_path / "table.csv")
