"""From the families of a model's measures and a panel to family parameters and responses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...basics.distributions import Prior
from ...basics.names import choices, number, quoted
from ...basics.problems import PanelError, Problems, SpecError
from ...families.cut_points import LOGIT, PLAIN, PROBIT
from ...families.family import ResponseFamily
from ...families.normal import Gaussian
from ...families.registry import CODES
from .responses import Responses

if TYPE_CHECKING:
    from ...panel import Panel
else:
    Panel = object

__all__ = ["FamilyLayout", "family_layout", "panel_responses", "response_sizes", "sparse_categories"]

MISFIT = "The panel does not fit the families of its measures"
LINKS = {"": PLAIN, "logit": LOGIT, "probit": PROBIT}


@dataclass(frozen=True, eq=False)
class FamilyLayout:
    """The families of a model's measures, and where their parameters stand in phi."""

    measures: tuple[str, ...]
    families: tuple[ResponseFamily, ...]
    names: tuple[str, ...]  # name of each entry of phi as it is sampled, such as ``"slope days"`` or ``"share 1 days"``
    priors: tuple[Prior, ...]
    # Link of each sampled entry that is a share, and the position of the slope of its scale, as `cut_points.to_phi`
    # reads them, shape ``(phi, 2)``
    links: np.ndarray
    starts: tuple[tuple[int, ...], ...]  # for each measure, where the parameters of each of its columns begin

    @property
    def columns(self) -> tuple[str, ...]:
        """Measures of a panel that hold responses, or windows, trials and exposures."""
        pairs = [pair for pair in zip(self.measures, self.families, strict=True) if not pair[1].is_normal]
        of_values = [column for measure, family in pairs for column in family.columns(measure)]
        return tuple(dict.fromkeys([*of_values, *(column for _, family in pairs for column in family.given_columns)]))


def family_layout(measures: Sequence[str], families: Mapping[str, ResponseFamily]) -> FamilyLayout:
    """Lay out the parameters of all measures; those without a family are normal.

    Raises
    ------
    SpecError
        If a family is given for something that is no measure of the model.

    Examples
    --------
    >>> from alliance_bayes import YesNo
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
        first, size = len(names), len(family.parameters) // max(len(family.densities), 1)
        starts.append(tuple(first + size * column for column in range(len(family.densities))))
        positions = {parameter.name: first + place for place, parameter in enumerate(family.parameters)}
        for parameter in family.parameters:
            names.append(f"{parameter.name} {measure}")
            priors.append(parameter.prior)
            links.append((LINKS[parameter.link], positions[parameter.slope] if parameter.slope else 0))
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
    problems = Problems(MISFIT)
    pairs = list(zip(layout.measures, layout.families, strict=True))
    normal = [measure for measure, family in pairs if family.is_normal]
    for name in dict.fromkeys([*normal, *layout.columns]):
        if name not in panel.measures:
            problems.add(f"No measure '{name}'{choices(name, panel.measures, 'Measures')}")
    problems.raise_as(PanelError)
    column = _column_of(panel)
    sizes = [_sizes(measure, family, column, values.shape[:2], problems) for measure, family in pairs]
    problems.raise_as(PanelError)
    parts: list[tuple[np.ndarray, ...]] = [(np.zeros(0, dtype=int),) * 4 + (np.zeros(0),) * 2]
    for index, (measure, family) in enumerate(pairs):
        for density, start, name in zip(family.densities, layout.starts[index], family.columns(measure), strict=False):
            observed = column(name)
            person, wave = np.nonzero(~np.isnan(observed))
            value, size = family.coded(observed[person, wave]), sizes[index][person, wave]
            for misfit, cure in family.misfits(value, size):
                if misfit.any():
                    problems.add(_sentence(panel, name, person[misfit], wave[misfit], observed, cure))
            code, first = np.full(len(person), CODES[density]), np.full(len(person), start)
            position = wave * len(layout.measures) + index
            parts.append((person, position, code, first, value, family.density_size(size)))
    problems.raise_as(PanelError)
    return Responses(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def response_sizes(measure: str, family: ResponseFamily, panel: Panel) -> np.ndarray:
    """Window, trials or exposure of each person and time, or number of categories, shape ``(person, wave)``.

    Raises
    ------
    PanelError
        If a number for each wave is not one for each wave.
    """
    values, problems = panel.require_persons("Responses"), Problems(MISFIT)
    sizes = _sizes(measure, family, _column_of(panel), values.shape[:2], problems)
    problems.raise_as(PanelError)
    return sizes


def sparse_categories(responses: Responses, layout: FamilyLayout) -> tuple[str, ...]:
    """Sentences about parameters that rest on their prior, since hardly any response informs them."""
    sentences: list[str] = []
    for measure, family, starts in zip(layout.measures, layout.families, layout.starts, strict=True):
        for density, start, name in zip(family.densities, starts, family.columns(measure), strict=False):
            chosen = (responses.start == start) & (responses.code == CODES[density])
            sentences += family.sparse(name, responses.value[chosen])
    return tuple(sentences)


def _column_of(panel: Panel) -> Callable[[str], np.ndarray]:
    values = panel.require_persons("Responses")
    return lambda name: np.asarray(values[:, :, panel.measures.index(name)])


def _sizes(
    measure: str,
    family: ResponseFamily,
    column: Callable[[str], np.ndarray],
    shape: tuple[int, ...],
    problems: Problems,
) -> np.ndarray:
    """Size of each person and wave."""
    if isinstance(family.size, str):
        return column(family.size)
    numbers = np.asarray(family.size, dtype=float)
    if numbers.ndim and numbers.shape != shape[1:]:
        problems.add(
            f"'{measure}': {family.amount_option} has {len(numbers)} numbers for {shape[1]} waves; give one number for "
            "each."
        )
        return np.zeros(shape)
    return np.broadcast_to(numbers, shape)


def _sentence(panel: Panel, name: str, person: np.ndarray, wave: np.ndarray, observed: np.ndarray, cure: str) -> str:
    persons = panel.persons
    assert persons is not None
    cases = [
        f"{number(observed[row, at])} of {quoted([persons[row]])} at {number(panel.times[at])}"
        for row, at in zip(person[:3], wave[:3], strict=True)
    ]
    count = f"{len(person):,} value{'s' * (len(person) > 1)}"
    return f"'{name}' has {count} outside its family, first {', '.join(cases)}. Its values {cure}."
