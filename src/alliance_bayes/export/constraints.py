"""Constraints among the parameters of a cross-lagged model, as sums of products."""

from collections.abc import Iterable
from itertools import combinations_with_replacement, product

from .naming import Naming
from .statements import Equation, Product

__all__ = ["equal_innovations", "stationarity", "unit_variances"]


def stationarity(naming: Naming) -> Iterable[Equation]:
    """``Psi = P - Phi P Phi'``: the deviations' covariance P is the same at every wave."""
    first_wave = f", {naming.waves[0]}"
    done = set()
    for interval, _, _ in naming.transitions:
        for first, second in combinations_with_replacement(naming.measures, 2):
            left = naming.innovation(first, second, interval)
            if left in done:
                continue
            done.add(left)
            terms = [Product(1.0, (naming.cell("within", first, second, first_wave),))]
            for one, other in product(naming.measures, repeat=2):
                effects = naming.effect(one, first, interval), naming.effect(other, second, interval)
                if effects[0] is not None and effects[1] is not None:
                    middle = naming.cell("within", one, other, first_wave)
                    terms.append(Product(-1.0, (effects[0], middle, effects[1])))
            yield Equation((left,), tuple(terms))


def unit_variances(naming: Naming) -> Iterable[Equation]:
    """``R_t = S R_t-1 S' + Psi_t`` with 1 on the diagonal, where S holds the standardised effects."""
    for interval, before, time in naming.transitions:
        for measure in naming.measures:
            terms = (Product(1.0, ()), *_carried(naming, measure, measure, interval, before, -1.0))
            yield Equation((naming.innovation(measure, measure, interval),), terms)
        if time == naming.waves[-1]:
            continue  # no later equation needs these correlations
        for first, second in naming.pairs:
            new = Product(1.0, (naming.innovation(first, second, interval),))
            terms = (new, *_carried(naming, first, second, interval, before, 1.0))
            yield Equation((naming.correlation(first, second, time),), terms, auxiliary=True)


def _carried(naming: Naming, first: str, second: str, interval: int, before: str, sign: float) -> Iterable[Product]:
    """Terms of one cell of ``S R S'``, where R has 1 on its diagonal."""
    for one, other in product(naming.measures, repeat=2):
        effects = naming.effect(one, first, interval), naming.effect(other, second, interval)
        if effects[0] is not None and effects[1] is not None:
            middle = () if one == other else (naming.correlation(one, other, before),)
            yield Product(sign, (effects[0], *middle, effects[1]))


def equal_innovations(naming: Naming) -> Iterable[Equation]:
    """Innovation covariances in the measures' own units, ``D_t Psi_t D_t``, are the same in every interval."""

    def unscaled(first: str, second: str, interval: int) -> tuple[str, ...]:
        time = naming.waves[interval + 1]
        sds = naming.within_sd(first, time), naming.within_sd(second, time)
        return (*sds, naming.innovation(first, second, interval))

    for interval in range(1, len(naming.intervals)):
        for first, second in combinations_with_replacement(naming.measures, 2):
            yield Equation(unscaled(first, second, interval), (Product(1.0, unscaled(first, second, 0)),))
