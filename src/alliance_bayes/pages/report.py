"""The page of a run: one HTML file that needs nothing else."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..basics.calls import checked
from ..basics.given import is_whole, shown
from ..basics.problems import AllianceBayesError, SpecError
from ..basics.text_tables import TextTable
from ..basics.writing import check_path, write_text
from ..posterior.fit import Fit
from ..posterior.summaries import interval_name
from ..questions.answer import LIMITS, Answer, untrusted
from .answer_figures import answer_figures, mediation_figure
from .causal_graph import causal_graph
from .checklists import CHANGING, agrema, barg
from .checks import check_figure
from .data import coverage_figure, patterns_figure, states_figure, trajectories_figure
from .figure import Figure, Table, first_line
from .moving import Moving, moving_direction, moving_lag
from .path_diagram import path_diagram
from .record import run_record
from .template import render
from .wording import (
    estimates_in_words,
    methods_paragraph,
    results_paragraph,
    verdict_in_words,
    without_prior_in_words,
)

__all__ = ["report"]

PEOPLE = 60
SUFFIXES = (".html", ".htm")
MEDIATED = ("mediation", "interventional_effects", "natural_effects", "controlled_direct_effects")


@dataclass(frozen=True)
class Block:
    """One answer on the page."""

    name: str
    answer: Answer
    summary: str
    sentences: tuple[str, ...]
    texts: tuple[str | Table, ...]
    figures: tuple[Figure, ...]
    moving: Moving | None = None
    problems: tuple[str, ...] = ()
    """What is wrong with draws of this answer that are not those of the fit."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons of the answer, without those on its sampling, which the head of the page says."""
        return tuple(one for one in self.answer.reasons if one not in untrusted(self.answer.health))

    @property
    def settled(self) -> bool:
        """Whether it has a verdict in which nothing is undecided."""
        return self.answer.verdict is not None and "undecided" not in self.answer.verdict


@checked(apart=["answers", "people"])
def report(
    fit: Fit | None,
    answers: Answer | Sequence[Answer] | Mapping[str, Answer],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    people: int = PEOPLE,
    model_file: str = "",
    record: Mapping[str, str] | None = None,
) -> Path:
    """Write a fit and the answers to its questions as one HTML page.

    The file needs no network and no other file. It holds the question, the answers with intervals and verdicts, what is
    estimated and assumed, what would change it, the model as a path diagram, the data, checks of fit and sampling,
    checklists of reporting, paragraphs for a paper, and what is needed to run the same again. Each figure has its
    numbers as a table. A reader can move the margin and the lag: the page counts the draws that it holds, at most 4,000
    of each answer, as the package does; at the margin that was asked about it shows the package's own numbers.

    Parameters
    ----------
    fit
        The fit that was asked, of imputed panels the one of all of them, whose page shows no values; None for answers
        without one, whose page has no data and checks.
    answers
        One answer, several, or a dict of them by name, as `ModelFile.ask` returns.
    path
        The file to write, ending in .html or .htm, such as ``"report.html"``; an older file is replaced.
    title
        The question in words; of the first answer when left open.
    people
        Of how many people raw values are drawn, at least 0. They are values of single people: use 0 for a page that
        is passed on.
    model_file
        Text of the model file, to be shown.
    record
        Further names and values for the section on running it again, such as checksums of files.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    SpecError
        If there is no answer, an entry is none, or `people` is not a whole number of at least 0.
    AllianceBayesError
        If the file cannot be written, or its name ends in neither .html nor .htm.

    Examples
    --------
    >>> import alliance_bayes as ab
    >>> fit = ab.load_fit("fit.nc")  # doctest: +SKIP
    >>> ab.report(fit, ab.directionality(fit, "alliance", "days"), "report.html")  # doctest: +SKIP
    """
    if not is_whole(people, least=0):
        raise SpecError(f"people must be a whole number of at least 0; got {shown(people)}.")
    _check_suffix(path)
    named = _named(answers)
    blocks = [_block(name, answer, fit, people) for name, answer in named.items()]
    pairs = [pair for block in blocks for pair in _of_pairs(block, fit, people)]
    elsewhere = (*CHANGING, "lag_curve")
    given, measures = list(named.values()), () if fit is None else fit.spec.measures
    unit = "" if fit is None else fit.panel.time_unit or ""
    assumptions = _assumptions(named, limits=False)
    interrupted = ["" if fit is None else fit.interrupted, *(answer.interrupted for answer in given)]
    page = {
        "title": title or _question_of(given[0]),
        "interval": interval_name(),
        "main": [block for block in pairs if block.answer.question not in elsewhere],
        "of_change": [block for block in pairs if block.answer.question in CHANGING],
        "of_lags": [block for block in pairs if block.answer.question == "lag_curve"],
        "graph": None if fit is not None else causal_graph(given),
        "model_fit": [] if fit is None else _model_fit(fit, pairs),
        "mediation": [mediation_figure(answer, measures, unit) for answer in given if answer.question == "mediation"],
        "assumptions": assumptions,
        "limits": [one for one in _assumptions(named, limits=True) if one[0] not in dict(assumptions)],
        "problems": _problems_of_all(fit, given),
        "interrupted": list(dict.fromkeys(filter(None, interrupted))),
        "barg": barg(fit, given),
        "agrema": [(name, agrema(fit, answer, given)) for name, answer in named.items() if answer.question in MEDIATED],
        "record": run_record(fit) | dict(record or {}),
        "model_file": model_file,
        "fit": None if fit is None else _of_fit(fit, given, people),
    }
    return write_text(path, render(page))


def _check_suffix(path: str | os.PathLike[str]) -> None:
    check_path(path)
    if Path(path).suffix.lower() not in SUFFIXES:
        raise AllianceBayesError(
            f"The page is an HTML file, so its path must end in .html or .htm; got {shown(str(path))}. A browser can "
            "print it to PDF."
        )


def _problems_of_all(fit: Fit | None, answers: Sequence[Answer]) -> list[str]:
    """What is wrong with the draws that the page is about: those of the fit, without one those of all answers."""
    return list(dict.fromkeys(problem for each in ([fit] if fit else answers) for problem in each.health.problems))


def _named(answers: object) -> dict[str, Answer]:
    if isinstance(answers, Answer):
        named = {_words(answers): answers}
    elif isinstance(answers, Mapping):
        named = dict(answers)
    elif isinstance(answers, Iterable) and not isinstance(answers, str):
        named = {f"{place}": answer for place, answer in enumerate(answers, start=1)}
    else:
        raise SpecError(f"answers must be an answer, a list of them or a dict of them by name; got {shown(answers)}.")
    wrong = [name for name, answer in named.items() if not isinstance(answer, Answer)]
    if wrong or not named:
        raise SpecError(f"answers must be answers, such as of ab.directionality; got {shown(answers)}.")
    return {_name(name, answer): answer for name, answer in named.items()}


def _name(name: str, answer: Answer) -> str:
    if name == answer.question:
        return _words(answer)
    return f"{name}. {_words(answer)}" if name.isdigit() else name


def _words(answer: Answer) -> str:
    return answer.question.replace("_", " ").capitalize()


def _question_of(answer: Answer) -> str:
    given = answer.arguments
    match answer.question:
        case "directionality" if len(given.get("between", ())) == 2:
            first, second = given["between"]
            return f"Does {first} lead {second}, or {second} lead {first}?"
        case "mediation":
            return f"Does {given['treatment']} act on {given['outcome']} through {', '.join(given['mediators'])}?"
    return answer.heading


def _of_pairs(block: Block, fit: Fit | None, people: int) -> list[Block]:
    """The answers to single pairs that an answer about several is made of."""
    if block.answer.question != "directionality" or not block.answer.parts:
        return [block]
    return [_block(f"{block.name}: {name}", part, fit, people) for name, part in block.answer.parts.items()]


def _block(name: str, answer: Answer, fit: Fit | None, people: int) -> Block:
    caption = first_line(answer.heading)
    texts = tuple(Table.of_texts(part, caption) if isinstance(part, TextTable) else part for part in answer.body)
    measures = fit.spec.measures if fit is not None else ()
    latent = tuple(fit.spec.random_families) if fit is not None else ()
    moving = None
    if answer.question == "directionality" and not answer.parts:
        moving = moving_direction(answer, name)
    elif answer.question == "lag_curve" and answer.n_draws and answer.draws.sizes["lag"] > 1:
        moving = moving_lag(answer, name)
    sentences = tuple(estimates_in_words(answer, fit)) if fit is not None and not answer.parts else ()
    figures = answer_figures(answer, measures, people, latent)
    said = () if fit is None else fit.health.problems
    problems = tuple(problem for problem in answer.health.problems if fit is not None and problem not in said)
    return Block(
        name,
        answer,
        verdict_in_words(answer),
        (*sentences, *without_prior_in_words(answer)),
        texts,
        figures,
        moving,
        problems,
    )


def _assumptions(named: Mapping[str, Answer], *, limits: bool) -> list[tuple[str, str]]:
    """Each assumption, or limit, once, with the names of the answers that it belongs to where it is not all of them."""
    needed = {
        name: answer
        for name, answer in named.items()
        if answer.assumptions and (answer.before_assumptions == LIMITS) is limits
    }
    sentences = dict.fromkeys(sentence for answer in needed.values() for sentence in answer.assumptions)
    whose = {one: [name for name, answer in needed.items() if one in answer.assumptions] for one in sentences}
    return [(one, "" if len(of) == len(needed) else ", ".join(of)) for one, of in whose.items()]


def _model_fit(fit: Fit, blocks: Sequence[Block]) -> list[str]:
    """How well the model fits, beside verdicts on direction: what their reasons do not say already."""
    if not any(block.answer.question == "directionality" and not block.answer.arguments["group"] for block in blocks):
        return []
    said = {reason for block in blocks for reason in block.reasons}
    return [one for one in (*fit.model_fit.doubts, *fit.model_fit.notes) if one not in said]


def _of_fit(fit: Fit, answers: Sequence[Answer], people: int) -> dict[str, object]:
    panel, measures = fit.panel, fit.spec.measures
    held = [name for name in measures if name in panel.measures]
    fits = {group: fit.of_group(group) for group in fit.groups} or {"": fit}
    check = fit.check() if panel.has_persons and not fit.source.group_of else None
    tests = next((answer.tables["model_fit"] for answer in answers if "model_fit" in answer.tables), pd.DataFrame())
    title = f"{fit.spec.title[0].upper()}{fit.spec.title[1:]}"
    figures = (
        []
        if fit.fits
        else [
            coverage_figure(panel),
            patterns_figure(panel),
            states_figure(panel),
            trajectories_figure(panel, held, people),
        ]
    )
    return {
        "in_words": str(fit.spec),
        "diagrams": [path_diagram(one, title + (f", group {group}" if group else "")) for group, one in fits.items()],
        "panel": str(panel),
        "n_imputed": len(fit.fits),
        "data": [figure for figure in figures if figure is not None],
        "check": None if check is None else check_figure(check),
        "tests": None if tests.empty else Table.of_frame(tests, "Tests of the model"),
        "health": fit.health,
        "notes": fit.notes,
        "health_table": Table.of_pairs(
            {
                "Largest R-hat (at most 1.01)": f"{fit.health.rhat:.4f}",
                "Smallest effective sample size, bulk (at least 400)": f"{fit.health.ess_bulk:.0f}",
                "Smallest effective sample size, tail (at least 400)": f"{fit.health.ess_tail:.0f}",
                "Divergent transitions (at most 1 in 1,000 draws)": f"{fit.health.divergences} of {fit.n_drawn:,}",
                "Smallest BFMI (at least 0.3)": f"{fit.health.bfmi:.2f}",
                "Draws": f"{fit.n_draws:,}",
            },
            "Diagnostics of the sampling",
            ("diagnostic", "value"),
        ),
        "methods": methods_paragraph(fit, answers),
        "results": results_paragraph(fit, answers, check),
    }
