"""Whether a model is identified and can be fitted on a panel, before anything is compiled."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..basics.names import choices, quoted
from ..basics.problems import Problems, SpecError
from ..basics.warning import warn
from ..panel import Panel, PanelWarning
from ..spec.cross_lagged import CrossLagged
from .dependence import dependent_covariates, exact_relations
from .design import design_of
from .layout import Layout, lay_out
from .parts import PARTS
from .rank import indistinct_parameters

__all__ = ["check_identified", "check_spec_against_panel"]

MOST_ALIKE = 5  # covariates that act on the same, of which identification is examined


def check_spec_against_panel(spec: CrossLagged, panel: Panel) -> None:
    """Refuse a model that this panel cannot identify, with every reason at once.

    Warns, with a PanelWarning, of exact relations between measures that need not ruin the fit.
    """
    problems = Problems(f"This {spec.title} cannot be fitted to this panel")
    needed = dict.fromkeys([*spec.response_columns, *spec.given_columns])
    missing = [name for name in needed if name not in panel.measures]
    for name in missing:
        problems.add(f"The panel has no measure '{name}'{choices(name, panel.measures, 'Measures')}")
    for problem in spec.problems_with(panel.times):
        problems.add(problem)
    for part in PARTS:
        for problem in part.problems(spec, panel):
            problems.add(problem)
    problems.raise_as(SpecError)
    for problem in (*_too_few_people(spec, panel), *_without_variation(spec, panel)):
        problems.add(problem)
    problems.raise_as(SpecError)


def check_identified(layout: Layout, panel: Panel) -> None:
    """Refuse a model whose parameters means and covariances at its times do not determine."""
    spec = layout.spec
    if spec.indicators and spec.invariance == "approximate":
        return  # identified by its priors alone
    indistinct = _indistinct(_with_few_covariates(layout, panel)) and _indistinct(layout)
    if indistinct:
        raise SpecError(
            f"This {spec.title} is not identified by {len(panel.times)} waves of {len(spec.measures)} measures: "
            f"means and covariances do not determine {quoted(indistinct, most=8)}. Use fewer free parameters "
            "(residuals='equal', lags='equal', fewer options) or more waves."
        )


def _indistinct(layout: Layout) -> tuple[str, ...]:
    return indistinct_parameters(layout.system, layout.scale, layout.design.cells)


def _with_few_covariates(layout: Layout, panel: Panel) -> Layout:
    """The model with at most a few covariates that act on the same.

    Given the rest of a model, each covariate's effects are identified by its covariances with the values alone, and by
    the same rule for covariates that act on the same. So what identifies this model identifies the full one, and
    hundreds of covariates need not be examined one by one.
    """
    spec = layout.spec
    of_state = () if spec.state is None else spec.state.predictors
    needed = {*spec.predetermined, *spec.moderated.values(), *of_state}
    kept: dict[str, tuple[str, ...]] = {}
    alike: Counter[tuple[tuple[str, ...], bool]] = Counter()
    for name, targets in spec.covariates.items():
        kind = (tuple(targets), name in panel.covariates)
        alike[kind] += 1
        if name in needed or alike[kind] <= MOST_ALIKE:
            kept[name] = tuple(targets)
    if len(kept) == len(spec.covariates):
        return layout
    few = replace(spec, covariates=kept)
    return lay_out(few, design_of(few, panel))


def _too_few_people(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Whether there are people enough for any covariance matrix of the measures."""
    columns = [panel.measures.index(name) for name in spec.response_columns]
    if panel.moments is None:
        seen = ~np.isnan(panel.require_persons("A number of people"))
        people = np.ones(len(seen), dtype=np.int64)
    else:
        seen, people = panel.moments.observed, panel.moments.n
    n_people = int((seen[:, :, columns].any(axis=(1, 2)) * people).sum())
    fewest = len(spec.measures) + 1
    if n_people < fewest:
        yield (
            f"{n_people} {'person has' if n_people == 1 else 'people have'} values of this model. The "
            f"covariances of {len(spec.measures)} measures need at least {fewest} people, and even then the prior "
            "determines nearly all of the result; many more people than parameters are needed."
        )


def _without_variation(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Exact relations that ruin a fit, and collinear covariates; warns of relations that need not."""
    counted = {column for name in spec.random_families for column in spec.columns_of(name)}
    for relation in exact_relations(spec, panel):
        # Innovations of one variance at all waves cannot vanish at one, and a probability has no density without bound.
        pooled, is_counted = spec.residuals == "equal" and 0 not in relation.coefficients, relation.measures & counted
        if not relation.everywhere and (pooled or is_counted):
            continue
        sentence = relation.sentence(
            panel.times, list(panel.covariates), fewest_waves=spec.fewest_waves, families=panel.moments is None
        )
        if relation.ruins_a_fit and not is_counted:
            yield sentence
        else:
            warn(sentence, PanelWarning)
    if panel.moments is None:
        yield from dependent_covariates(spec, panel)
