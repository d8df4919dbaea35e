"""Responses of every case of every person: of the measures, of the state, and of who is interviewed and who answers."""

import numpy as np

from ...basics.names import number, quoted
from ...basics.problems import PanelError
from ...families.registry import OCCURRENCE
from ...panel import Absence, Panel
from ...spec.cross_lagged import CrossLagged
from ...spec.occurrence import INTERVIEW, Selection
from ..design import Design
from ..histories import OFF, Cases
from .family_layout import FamilyLayout, panel_responses
from .responses import Responses

__all__ = ["responses_of_cases"]


def responses_of_cases(
    spec: CrossLagged, panel: Panel, design: Design, layout: FamilyLayout, n_asked: int | None = None
) -> Responses:
    """Responses of all cases, in the model's stacked positions.

    Those of a measure are the same in each case of a person; the state is what the case says, also where
    it was not reported. After `n_asked` waves it says nothing that somebody was not seen.

    Raises
    ------
    PanelError
        If values do not fit their family.
    """
    cases, n_waves = design.cases(panel.n_persons), len(panel.times)
    parts = [_of_measures(panel_responses(panel, layout), cases)]
    first = len(spec.measures) * n_waves
    if spec.state is not None:
        assert design.histories is not None
        case, wave = np.nonzero(design.histories.counted)
        on = design.histories.state[case, wave] != OFF
        parts.append(_occurrences(case, first + wave, on))
        first += n_waves
    for selection in spec.selection:
        case, wave, seen = _who_is_seen(selection, spec, panel, design, cases)
        asked = wave < (n_waves if n_asked is None else n_asked)
        parts.append(_occurrences(case[asked], first + wave[asked], seen[asked]))
        first += n_waves
    return Responses(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _of_measures(responses: Responses, cases: Cases) -> Responses:
    """Responses of persons, once for each case of theirs."""
    order = np.argsort(responses.case, kind="stable")
    counts = np.bincount(responses.case, minlength=int(cases.person.max(initial=-1)) + 1)
    starts = np.concatenate([[0], np.cumsum(counts)])
    of_case = counts[cases.person]
    case = np.repeat(np.arange(len(of_case)), of_case)
    within = np.arange(of_case.sum()) - np.repeat(np.cumsum(of_case) - of_case, of_case)
    rows = order[starts[cases.person][case] + within]
    return Responses(case, *(column[rows] for column in responses[1:]))


def _occurrences(case: np.ndarray, position: np.ndarray, yes: np.ndarray) -> Responses:
    nothing = np.zeros(len(case))
    code = np.full(len(case), OCCURRENCE)
    return Responses(case, position, code, nothing.astype(int), yes.astype(float), nothing)


def _require_answers(spec: CrossLagged, panel: Panel) -> None:
    """Refuse interviews of which a window or exposure is all that is known."""
    assert panel.absence is not None
    given = np.isin(panel.measures, spec.given_columns)
    observed = panel.absence == Absence.OBSERVED
    doubtful = observed[:, :, given].any(axis=2) & ~observed[:, :, ~given].any(axis=2)
    for reported in panel.states.values():
        doubtful &= np.isnan(reported)
    if doubtful.any() and panel.persons is not None:
        person, wave = (places[0] for places in np.nonzero(doubtful))
        raise PanelError(
            f"For {int(doubtful.sum())} interviews nothing is known except {quoted(spec.given_columns)}, first "
            f"{quoted([panel.persons[person]])} at {number(panel.times[wave])}: a selection cannot tell whether they "
            "were held. Leave that out where nobody was interviewed."
        )


def _who_is_seen(
    selection: Selection, spec: CrossLagged, panel: Panel, design: Design, cases: Cases
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Case, wave and whether there was an interview or an answer, wherever there could have been one."""
    assert panel.absence is not None
    interviewed = (panel.absence != Absence.WAVE_MISSING).any(axis=2)
    _require_answers(spec, panel)
    for reported in panel.states.values():
        interviewed |= ~np.isnan(reported)
    if selection.of == INTERVIEW:
        asked, seen = np.ones_like(interviewed[cases.person]), interviewed
        asked[:, : selection.first_wave] = False
    else:
        asked = interviewed[cases.person]
        columns = [panel.measures.index(name) for name in spec.columns_of(selection.of)]
        seen = (~np.isnan(panel.require_persons("Selection")[:, :, columns])).any(axis=2)
        if spec.needs_state(selection.of):
            assert design.histories is not None
            asked = asked & (design.histories.state != OFF)
    case, wave = np.nonzero(asked)
    return case, wave, seen[cases.person[case], wave]
