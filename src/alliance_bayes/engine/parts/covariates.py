"""Covariates that are conditioned on: of persons, or of each wave."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...basics.names import choices, quoted
from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ..keys import Key
from ..linear_system import Variable
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["Covariates", "unusable_values"]


class Covariates(Part):
    """Effects of covariates on stable factors, on the first wave and on values; variables of all that are given."""

    def parameters(self, table: TableBuilder, group: int) -> None:
        """An effect on each measure, at each wave where it has its own."""
        owner, times = table.owner("means", group), table.design.times_of(group)
        factor = "accumulating" if table.spec.accumulating else "intercept"
        words = {"intercepts": f" {factor}", "slopes": " slope", "first_wave": " within"}
        for name, target in _effects(table.spec):
            key, word = _effect_of(name, target), f"{name} ->{words.get(target, '')}"
            if target != "each_wave":
                table.vector(key, group, owner, word=word, per=(name,))
                continue
            for wave, time in enumerate(times):
                table.vector(key, group, owner, word=word, per=(name,), occasion=wave, times=(time,))

    def priors(self, priors: PriorBuilder) -> None:
        """One random variable for each covariate and what it acts on."""
        group, prior = priors.per_group("means"), priors.spec.priors.covariate
        for name, target in _effects(priors.spec):
            key, block = _effect_of(name, target), f"{name} on {target}".replace(" ", "_")
            if target != "each_wave":
                for g, effects in enumerate(priors.add(block, prior, "measure", group=group)):
                    priors.let(priors.table.at(key, g), effects)
                continue
            for g, by_wave in enumerate(priors.add(block, prior, "time", "measure", group=group)):
                for wave, effects in enumerate(by_wave):
                    priors.let(priors.table.at(key, g, wave), effects)

    def system(self, system: SystemBuilder) -> None:
        """Standardised covariates, and paths from them."""
        times = system.design.times
        for each in system.design.covariates:
            time = None if each.wave is None else times[each.wave]
            system.covariates.append(Variable("covariate", each.name, time))
            system.variance(system.covariates[-1])
        for name, target in _effects(system.spec):
            match target:
                case "intercepts":
                    _regress(system, name, target, next(iter(system.factors.values())))
                case "slopes":
                    _regress(system, name, target, system.factors["slope"])
                case "first_wave":
                    _regress(system, name, target, system.within[0], system.exists(0))
                case _:
                    for wave, values in enumerate(system.values):
                        _regress(system, name, target, values, system.exists(wave), wave)

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Covariates that the panel does not have, that are incomplete, or that cannot act where they are to."""
        if panel.moments is not None and not spec.is_latent and (spec.covariates or spec.moderated):
            yield "Covariates need each person's values, and this panel holds moments alone."
        of_model = spec.response_columns
        varying = [] if panel.moments is not None else [name for name in panel.measures if name not in of_model]
        known = [*panel.covariates, *varying]
        for name in spec.predetermined:
            yield (
                f"'{name}' may depend on earlier waves of the measures, so it cannot be conditioned on as a covariate; "
                "it needs an equation of its own. Name it among the measures, and remove the paths you do not want."
            )
        for name, targets in spec.covariates.items():
            if name not in known:
                yield f"The panel has no covariate '{name}'{choices(name, known, 'Covariates')}"
            elif name in varying and set(targets) - {"each_wave", "every_wave"}:
                yield f"'{name}' varies over time, so it acts on 'each_wave' or 'every_wave'; got {quoted(targets)}."
            else:
                values = panel.covariates.get(name)
                if values is None:
                    values = panel.require_persons("A covariate")[:, :, panel.measures.index(name)]
                yield from unusable_values(name, values, panel)


def unusable_values(name: str, values: np.ndarray, panel: Panel) -> Iterator[str]:
    """Why values of a covariate cannot be conditioned on, if they cannot."""
    seen = ~np.isnan(panel.require_persons("A covariate")).all(axis=(1, 2))
    unknown = np.isnan(values[seen]).reshape(int(seen.sum()), -1).any(axis=1)
    if unknown.any():
        assert panel.persons is not None
        cases = quoted(panel.persons[seen][unknown].tolist(), most=3)
        how = " (of a frame or file, by without_covariates='leave_out')" if name in panel.covariates else ""
        yield (
            f"The covariate '{name}' is missing for {int(unknown.sum())} people, such as {cases}. The likelihood is "
            f"given the covariates, so they must be complete: leave these people out{how}, impute the covariate, or "
            "model it as a measure."
        )
    elif np.nanstd(values[seen]) == 0:
        yield f"The covariate '{name}' is the same for everybody; leave it out."


def _effects(spec: CrossLagged) -> Iterator[tuple[str, str]]:
    """Each covariate with each of the things it acts on."""
    return ((name, target) for name, targets in spec.covariates.items() for target in targets)


def _effect_of(covariate: str, target: str) -> Key:
    return Key("covariate", of=(covariate, target))


def _regress(
    system: SystemBuilder,
    covariate: str,
    target: str,
    variables: Sequence[Variable],
    measures: Sequence[int] | None = None,
    wave: int | None = None,
) -> None:
    """Paths from a covariate, of this wave where it varies, to variables of these measures."""
    effects = system.at(_effect_of(covariate, target), wave if target == "each_wave" else None).tolist()
    for given, each in zip(system.covariates, system.design.covariates, strict=True):
        if each.name == covariate and (each.wave is None or each.wave == wave):
            for measure in range(len(variables)) if measures is None else measures:
                system.path(variables[measure], given, effects[measure])
