"""Constraints among the parameters of a cross-lagged model, as sums of products."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, pairwise, product

from ..basics.names import number
from ..engine.linear_system import Variable
from .statements import Equation, Product

__all__ = ["Within", "equal_innovations", "stationarity", "unit_variances"]


@dataclass(frozen=True)
class Within:
    """The within-person part of one group: names of its parameters."""

    waves: Sequence[Sequence[Variable]]  # deviations over time, by measure
    effects: Mapping[tuple[Variable, Variable], str]  # lagged effects by outcome and predictor
    # Of the first wave and of innovations, by both deviations in either order
    covariances: Mapping[tuple[Variable, Variable], str]
    loadings: Mapping[Variable, str]  # SDs of deviations that have variance 1
    scope: str  # beginning of the name of what belongs to the group alone


def stationarity(within: Within) -> Iterable[Equation]:
    """``Psi = P - Phi P Phi'``: the deviations' covariance P is the same at every wave."""
    first_wave = within.waves[0]
    for before, after in pairwise(within.waves):
        for one, other in combinations_with_replacement(range(len(after)), 2):
            terms = [Product(1.0, (within.covariances[first_wave[one], first_wave[other]],))]
            for j, k in product(range(len(before)), repeat=2):
                effects = within.effects.get((after[one], before[j])), within.effects.get((after[other], before[k]))
                if effects[0] is not None and effects[1] is not None:
                    middle = within.covariances[first_wave[j], first_wave[k]]
                    terms.append(Product(-1.0, (effects[0], middle, effects[1])))
            yield Equation((within.covariances[after[one], after[other]],), tuple(terms))


def unit_variances(within: Within) -> Iterable[Equation]:
    """``R_t = S R_t-1 S' + Psi_t`` with 1 on the diagonal, where S holds the standardised effects."""
    for before, after in pairwise(within.waves):
        for deviation in after:
            terms = (Product(1.0, ()), *_carried(within, deviation, deviation, before, -1.0))
            yield Equation((within.covariances[deviation, deviation],), terms)
        if after is within.waves[-1]:
            continue  # no later equation needs these correlations
        for one, other in combinations(after, 2):
            innovation = Product(1.0, (within.covariances[one, other],))
            terms = (innovation, *_carried(within, one, other, before, 1.0))
            yield Equation((_correlation(within, one, other),), terms, auxiliary=True)


def _carried(
    within: Within, first: Variable, second: Variable, before: Sequence[Variable], sign: float
) -> Iterable[Product]:
    """Terms of one cell of ``S R S'``, where R has 1 on its diagonal."""
    for one, other in product(before, repeat=2):
        effects = within.effects.get((first, one)), within.effects.get((second, other))
        if effects[0] is not None and effects[1] is not None:
            middle = () if one == other else (_correlation(within, one, other),)
            yield Product(sign, (effects[0], *middle, effects[1]))


def _correlation(within: Within, one: Variable, other: Variable) -> str:
    """Name of a correlation of deviations, which is a parameter at the first wave alone."""
    if one in within.waves[0]:
        return within.covariances[one, other]
    wave = next(wave for wave in within.waves if one in wave)
    first, second = sorted((one, other), key=wave.index)
    return f"{within.scope}within correlation {first.name}, {second.name}, {number(first.time or 0.0)}"


def equal_innovations(within: Within) -> Iterable[Equation]:
    """Innovation covariances in the measures' own units, ``D_t Psi_t D_t``, are the same in every interval."""

    def unscaled(wave: Sequence[Variable], one: int, other: int) -> tuple[str, ...]:
        sds = within.loadings[wave[one]], within.loadings[wave[other]]
        return (*sds, within.covariances[wave[one], wave[other]])

    for wave in within.waves[2:]:
        for pair in combinations_with_replacement(range(len(wave)), 2):
            yield Equation(unscaled(wave, *pair), (Product(1.0, unscaled(within.waves[1], *pair)),))
