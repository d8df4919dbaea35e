"""From the families of a model's measures and a panel to family parameters and responses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...basics.names import choices, number, quoted
from ...basics.problems import PanelError, Problems, SpecError
from ...spec.priors import Prior
from ...spec.responses import BetaBinomial, Count, Days, Family, Gaussian, Items, Ordinal, YesNo
from .cut_points import LOGIT, PLAIN, PROBIT
from .families import CODES
from .responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...panel import Panel

    Column = Callable[[str], np.ndarray]
else:
    Panel = object

__all__ = [
    "FamilyLayout",
    "family_layout",
    "panel_responses",
    "response_columns",
    "response_sizes",
    "sparse_categories",
]

FEWEST = 5
MOST = 10**9  # of a count; beyond, differences of log-gamma functions lose digits


@dataclass(frozen=True, eq=False)
class FamilyLayout:
    """The families of a model's measures, and where their parameters stand in phi.

    Attributes
    ----------
    measures
        The model's measures.
    families
        Family of each.
    names
        Name of each entry of phi as it is sampled, such as ``"slope days"`` or ``"share 1 days"``.
    priors
        Prior of each sampled entry.
    links
        Link of each sampled entry that is a share, and where the slope of its scale stands, as `cut_points.to_phi`
        reads them, shape ``(phi, 2)``.
    starts
        For each measure, where the parameters of each response of a cell begin.
    """

    measures: tuple[str, ...]
    families: tuple[Family, ...]
    names: tuple[str, ...]
    priors: tuple[Prior, ...]
    links: np.ndarray
    starts: tuple[tuple[int, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Measures of a panel that the families read, besides the model's own: windows, exposures, items."""
        return tuple(dict.fromkeys(name for family in self.families for name in _columns(family)))


def family_layout(measures: Sequence[str], families: Mapping[str, Family]) -> FamilyLayout:
    """Lay out the parameters of all measures; those without a family are normal.

    Raises
    ------
    SpecError
        If a family is given for something that is no measure of the model.

    Examples
    --------
    >>> family_layout(["alliance", "help"], {"help": YesNo()}).names
    ('intercept help', 'slope help')
    """
    problems = Problems("The families are not valid")
    for name in families:
        if name not in measures:
            problems.add(f"No measure '{name}'{choices(name, measures, 'Measures')}")
    problems.raise_as(SpecError)
    chosen = tuple(families.get(name, Gaussian()) for name in measures)
    names: list[str] = []
    priors: list[Prior] = []
    links: list[tuple[int, int]] = []
    starts = []
    for measure, family in zip(measures, chosen, strict=True):
        first, sizes = len(names), len(family.parameters) // max(len(family.codes), 1)
        starts.append(tuple(first + sizes * response for response in range(len(family.codes))))
        link = PROBIT if getattr(family, "link", "logit") == "probit" else LOGIT
        places = {parameter.name: first + place for place, parameter in enumerate(family.parameters)}
        for parameter in family.parameters:
            names.append(f"{parameter.name} {measure}")
            priors.append(parameter.prior)
            links.append((link, places[parameter.slope]) if parameter.slope else (PLAIN, 0))
    table = np.array(links, dtype=int).reshape(-1, 2)
    return FamilyLayout(tuple(measures), chosen, tuple(names), tuple(priors), table, tuple(starts))


def panel_responses(panel: Panel, layout: FamilyLayout) -> Responses:
    """Responses of all measures that are not normal; the case of each is its row of the panel.

    Raises
    ------
    PanelError
        If values do not fit their family, or a window or exposure is missing or impossible; every
        problem with its number of cases and the first of them. Or if a list of windows, trials or
        exposures has not one number for each wave.
    """
    values = panel.require_persons("The likelihood of measures that are not normal")
    problems = Problems("The panel does not fit the families of its measures")
    pairs = zip(layout.measures, layout.families, strict=True)
    own = [measure for measure, family in pairs if not isinstance(family, Items)]
    for name in dict.fromkeys([*own, *layout.columns]):
        if name not in panel.measures:
            problems.add(f"No measure '{name}'{choices(name, panel.measures, 'Measures')}")
    problems.raise_as(PanelError)

    def column(name: str) -> np.ndarray:
        return np.asarray(values[:, :, panel.measures.index(name)])

    sizes_of = [
        _sizes(measure, family, column, values.shape[:2], problems)
        for measure, family in zip(layout.measures, layout.families, strict=True)
    ]
    problems.raise_as(PanelError)
    parts: list[tuple[np.ndarray, ...]] = []
    for number_of, (measure, family) in enumerate(zip(layout.measures, layout.families, strict=True)):
        for name, code, start in zip(
            response_columns(measure, family), family.codes, layout.starts[number_of], strict=True
        ):
            answered = column(name)
            person, wave = np.nonzero(~np.isnan(answered))
            value = answered[person, wave] - getattr(family, "lowest", 0)
            sizes = sizes_of[number_of][person, wave]
            for found, cure in _misfits(family, value, sizes):
                if found.any():
                    problems.add(_sentence(panel, name, person[found], wave[found], answered, cure))
            position = wave * len(layout.measures) + number_of
            of_all = np.full(len(person), CODES[code]), np.full(len(person), start)
            amount = np.log(np.where(sizes > 0, sizes, 1.0)) if isinstance(family, Count) else sizes
            parts.append((person, position, *of_all, value, amount))
    problems.raise_as(PanelError)
    if not parts:
        parts = [(np.zeros(0, dtype=int),) * 4 + (np.zeros(0),) * 2]
    return Responses(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def response_sizes(measure: str, family: Family, panel: Panel) -> np.ndarray:
    """Window, trials or exposure of each person and time, or number of categories, shape ``(person, wave)``.

    Raises
    ------
    PanelError
        If a number for each wave is not one for each wave.
    """
    values, problems = (
        panel.require_persons("Responses"),
        Problems("The panel does not fit the families of its measures"),
    )

    def column(name: str) -> np.ndarray:
        return np.asarray(values[:, :, panel.measures.index(name)])

    found = _sizes(measure, family, column, values.shape[:2], problems)
    problems.raise_as(PanelError)
    return found


def sparse_categories(responses: Responses, layout: FamilyLayout) -> tuple[str, ...]:
    """Sentences about categories that fewer than 5 answers fell into, whose cut points rest on their prior."""
    found = []
    for measure, family, starts in zip(layout.measures, layout.families, layout.starts, strict=True):
        if not isinstance(family, Ordinal | Items):
            continue
        for name, start in zip(response_columns(measure, family), starts, strict=True):
            chosen = (responses.start == start) & (responses.code == CODES[family.codes[0]])
            counts = np.bincount(responses.value[chosen].astype(int), minlength=family.categories)
            few = np.flatnonzero(counts < FEWEST)
            if len(few):
                listed = ", ".join(f"{category + family.lowest} ({counts[category]})" for category in few)
                found.append(
                    f"'{name}': fewer than {FEWEST} answers in category {listed}. The cut points beside it rest on "
                    "their prior; joining it with its neighbour loses little."
                )
    return tuple(found)


def response_columns(measure: str, family: Family) -> tuple[str, ...]:
    """Measures of the panel that hold the responses of one measure of the model; none of a normal one.

    Examples
    --------
    >>> response_columns("trust", Items(["A1", "A2"], 4)), response_columns("help", YesNo())
    (('A1', 'A2'), ('help',))
    """
    if isinstance(family, Items):
        return tuple(family.items)
    return () if isinstance(family, Gaussian) else (measure,)


def _columns(family: Family) -> Iterator[str]:
    match family:
        case Items(items=items):
            yield from items
        case Days(window=str(name)) | BetaBinomial(trials=str(name)) | Count(exposure=str(name)):
            yield name


def _sizes(measure: str, family: Family, column: "Column", shape: tuple[int, ...], problems: Problems) -> np.ndarray:
    """Window, trials, exposure or categories of each person and wave."""
    size: object = 0.0
    match family:
        case Days(window=given) | BetaBinomial(trials=given) | Count(exposure=given):
            if isinstance(given, str):
                return column(given)
            size = given
        case Ordinal(categories=categories) | Items(categories=categories):
            size = categories
    numbers = np.asarray(size, dtype=float)
    if numbers.ndim and numbers.shape != shape[1:]:
        option = {Days: "window", BetaBinomial: "trials"}.get(type(family), "exposure")
        problems.add(
            f"'{measure}': {option} has {len(numbers)} numbers for {shape[1]} waves; give one number for each."
        )
        return np.zeros(shape)
    return np.broadcast_to(numbers, shape)


def _misfits(family: Family, value: np.ndarray, size: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Which values do not fit, and what would."""
    whole = (value >= 0) & (value == np.floor(value))
    match family:
        case Days() | BetaBinomial():
            least, what = (2, "window") if isinstance(family, Days) else (1, "number of trials")
            usable = (size >= least) & (size == np.floor(size))
            yield ~usable, f"need a {what} that is a whole number, {least} or more, wherever they are observed"
            yield size > MOST, f"need a {what} of at most {MOST:,}"
            yield usable & ~(whole & (value <= size)), f"must be whole numbers from 0 to the {what}"
        case Count():
            usable = (size > 0) & np.isfinite(size)
            yield ~usable, "need an exposure above 0 wherever they are observed"
            yield usable & ((size < 1 / MOST) | (size > MOST)), f"need an exposure from {1 / MOST:g} to {MOST:g}"
            yield ~whole, "must be whole numbers, 0 or more"
            yield whole & (value > MOST), f"must be at most {MOST:,}"
        case YesNo():
            yield ~(whole & (value <= 1)), "must be 0 or 1"
        case Ordinal() | Items():
            highest = family.lowest + family.categories - 1
            yield ~(whole & (value < size)), f"must be whole numbers from {family.lowest} to {highest}"


def _sentence(panel: Panel, name: str, person: np.ndarray, wave: np.ndarray, answered: np.ndarray, cure: str) -> str:
    persons = panel.persons
    assert persons is not None
    cases = [
        f"{number(answered[one, at])} of {quoted([persons[one]])} at {number(panel.times[at])}"
        for one, at in zip(person[:3], wave[:3], strict=True)
    ]
    return f"'{name}': {len(person)} value(s), first {', '.join(cases)}. Its values {cure}."
