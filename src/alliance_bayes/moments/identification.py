"""Whether a model can be meant, identified and fitted on a panel, before anything is compiled."""

import numpy as np

from ..names import choices, lagged_path
from ..panel import Panel
from ..problems import Problems, SpecError
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names

__all__ = ["check_spec_against_panel"]


def check_spec_against_panel(spec: CrossLagged, panel: Panel) -> None:
    """Refuse a model that this panel cannot identify, with every reason at once.

    Raises
    ------
    SpecError
        If a measure of the model is not in the panel, if there are too few waves, if intervals
        are unequal and the lags left open, if a measure can be non-existent and the model does
        not say what that means, or if nobody was observed on both ends of a lagged effect.
    """
    problems = Problems(f"This {spec.title} cannot be fitted to this panel")
    missing = [name for name in spec.measures if name not in panel.measures]
    for name in missing:
        problems.add(f"The panel has no measure '{name}'{choices(name, panel.measures, 'Measures')}")
    for problem in spec.problems_with(panel.times):
        problems.add(problem)
    for name in spec.measures:
        if name in panel.requires and spec.nonexistent is None:
            problems.add(
                f"'{name}' exists only while '{panel.requires[name]}' is on, and this model has no states. "
                "Pass nonexistent='as_missing' to treat values that do not exist as unseen, and read the first "
                "assumption of the answer."
            )
    if not missing:
        for problem in _unseen_paths(spec, panel):
            problems.add(problem)
    problems.raise_as(SpecError)


def _unseen_paths(spec: CrossLagged, panel: Panel) -> list[str]:
    """Lagged effects whose predictor and outcome nobody has on both ends of any interval they act in."""
    moments = panel.moments
    seen = ~np.isnan(panel.require_persons("A lagged effect")) if moments is None else moments.observed
    before, after = seen[:, :-1].astype(float), seen[:, 1:].astype(float)
    together = np.einsum("ntp,nto->top", before, after, optimize=True)
    intervals = interval_names(panel.times)
    found = []
    for outcome in spec.measures:
        for predictor in spec.measures:
            path = lagged_path(predictor, outcome)
            counts = together[:, panel.measures.index(outcome), panel.measures.index(predictor)]
            if path in spec.remove:
                continue
            if spec.lags == "free":
                found += [
                    f"Nobody has '{predictor}' and later '{outcome}' over {interval}, so '{path}' has no data there. "
                    "Leave that wave out, or use lags='equal'."
                    for interval, count in zip(intervals, counts, strict=True)
                    if count == 0
                ]
            elif not counts.any():
                found.append(
                    f"Nobody has '{predictor}' and one wave later '{outcome}', so '{path}' has no data at all."
                )
    return found
