"""Cut points: their prior, stated and sampled as shares of people, and the way from shares to cut points and back.

Share c of a scale is the probability of category c among categories c and above, in people whose linear predictor
is spread as at the first wave, with mean 0 and variance 1. With ``r_c = (1 - s_1) ... (1 - s_c)``

    cut_c = F^-1(1 - r_c) sqrt(1 + k slope^2),

so that cuts rise: k is 1 for the probit, where this is exact, and about 0.35 for the logit [1]_.

References
----------
.. [1] Zeger, Liang & Albert (1988). Models for longitudinal data: a generalized estimating equation approach.
   Biometrics, 44, 1049-1060. https://doi.org/10.2307/2531734
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..basics.compiled import compiled
from ..basics.distributions import Beta, number_in_words
from ..basics.given import is_number
from ..basics.problems import SpecError
from .special import HALF_LOG_2_PI, inverse_mills, log_normal_cdf

__all__ = [
    "LOGIT",
    "PLAIN",
    "PROBIT",
    "SPREAD",
    "InducedDirichlet",
    "normal_quantile",
    "symbolic_phi",
    "to_phi",
    "to_sampled_gradient",
]

PLAIN, LOGIT, PROBIT = range(3)
"""What a sampled number is: itself a parameter, or a share behind a cut point of this link."""
SPREAD = (0.0, (16.0 * math.sqrt(3.0) / (15.0 * math.pi)) ** 2, 1.0)
"""k of each."""


@dataclass(frozen=True)
class InducedDirichlet:
    """Prior on cut points: the categories' probabilities in all people at the first wave are Dirichlet.

    All with the same concentration. They are drawn and sampled as shares: share c is the probability of
    category c among categories c and above, so that shares are independent,
    ``share_c ~ Beta(a, (C - c) a)`` for c = 1, ..., C - 1. With F the distribution function of the link,

        cut_c = F^-1(1 - (1 - share_1) ... (1 - share_c)) sqrt(1 + k slope^2).

    The root turns Betancourt's prior [1]_, which speaks of somebody whose linear predictor is 0, into one about
    people whose linear predictors have mean 0 and variance 1, as they have at the first wave whatever the slope:
    with k = 1 exactly for the probit, with k = 0.346 to within 0.011 for the logit [2]_. Without it a slope
    (or loading) of 2 would make rare categories at the ends almost impossible before any answer is seen.

    References
    ----------
    .. [1] Betancourt (2019). Ordinal regression. Case study, section 2.2.
    .. [2] Zeger, Liang & Albert (1988). Models for longitudinal data: a generalized estimating equation
       approach. Biometrics, 44, 1049-1060. https://doi.org/10.2307/2531734

    Examples
    --------
    >>> InducedDirichlet(1.0).shares(4)
    (Beta(alpha=1.0, beta=3.0), Beta(alpha=1.0, beta=2.0), Beta(alpha=1.0, beta=1.0))
    """

    concentration: float = 1.0
    word: ClassVar[str] = "induced_dirichlet"

    def __str__(self) -> str:
        return f"InducedDirichlet({number_in_words(self.concentration)})"

    def shares(self, n_categories: int) -> tuple[Beta, ...]:
        """Priors of the shares behind the cut points of so many categories."""
        a = self.concentration
        return tuple(Beta(a, (n_categories - category) * a) for category in range(1, n_categories))

    @property
    def problem(self) -> str | None:
        """What is wrong with it."""
        if is_number(self.concentration) and self.concentration > 0:
            return None
        return f"needs InducedDirichlet(a) with a above 0; got {self}."

    @classmethod
    def from_mapping(cls, name: str, text: object) -> "InducedDirichlet":
        """Read it as a model file writes it.

        Raises
        ------
        SpecError
            If it is written in another way.
        """
        if isinstance(text, Mapping) and list(text) == [cls.word]:
            found = cls(text[cls.word])
            if found.problem is None:
                return cls(float(found.concentration))
        raise SpecError(f"'{name}' must be {{ {cls.word} = a }} with a number a above 0; got {text}.")


@compiled
def normal_quantile(below, above):
    """Where the standard normal distribution function is `below`, given also ``above = 1 - below``."""
    tail = math.log(min(below, above))
    # Abramowitz & Stegun 26.2.23, off by less than 4.5e-4: from there four steps of Halley are more than enough.
    t = math.sqrt(max(-2.0 * tail, 1e-12))
    x = -t + (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(4):
        slope = inverse_mills(x)
        excess = (log_normal_cdf(x) - tail) / slope
        x -= excess / (1.0 + 0.5 * excess * (x + slope))
    return x if below < above else -x


@compiled
def _spread(sampled, link):
    """Factor of a cut point: by how much answers are spread in all people, against those of a predictor of 0."""
    return math.sqrt(1.0 + SPREAD[link[0]] * sampled[link[1]] ** 2)


@compiled
def to_phi(sampled: np.ndarray, links: np.ndarray):
    """Family parameters of sampled numbers, shape ``(phi,)``.

    Parameters
    ----------
    sampled
        Numbers as they are sampled, shape ``(phi,)``.
    links
        For each, its link, and the entry that holds the slope of its scale, shape ``(phi, 2)``; `PLAIN` for what is
        no share.
    """
    phi = sampled.copy()
    below, above = 0.0, 1.0
    for entry in range(len(sampled)):
        if links[entry, 0] == PLAIN:
            continue
        if _opens(links, entry):
            below, above = 0.0, 1.0
        below += above * sampled[entry]
        above *= 1.0 - sampled[entry]
        quantile = normal_quantile(below, above) if links[entry, 0] == PROBIT else math.log(below / above)
        phi[entry] = quantile * _spread(sampled, links[entry])
    return phi


@compiled
def _opens(links, entry):
    """Whether this share is the first of its scale."""
    return entry == 0 or links[entry - 1, 0] == PLAIN or links[entry - 1, 1] != links[entry, 1]


@compiled
def to_sampled_gradient(sampled: np.ndarray, phi: np.ndarray, phi_bar: np.ndarray, links: np.ndarray):
    """Gradient in the sampled numbers of what has the gradient `phi_bar` in the family parameters.

    As ``d cut_c / d s_j = (r_c / F'(q_c)) / (1 - s_j) sqrt(1 + k slope^2)`` for j up to c, with q the quantile, and
    ``d cut_c / d slope = cut_c k slope / (1 + k slope^2)``.
    """
    gradient = phi_bar.copy()
    total = 0.0
    for entry in range(len(sampled) - 1, -1, -1):
        if links[entry, 0] == PLAIN:
            continue
        if entry + 1 == len(sampled) or links[entry + 1, 0] == PLAIN or _opens(links, entry + 1):
            total = 0.0
        slope, spread = links[entry, 1], _spread(sampled, links[entry])
        quantile = phi[entry] / spread
        if links[entry, 0] == PROBIT:
            per_share = math.exp(log_normal_cdf(-quantile) + 0.5 * quantile * quantile + HALF_LOG_2_PI)
        else:
            per_share = 1.0 + math.exp(-quantile)
        total += phi_bar[entry] * per_share * spread
        gradient[entry] = total / (1.0 - sampled[entry])
        gradient[slope] += phi_bar[entry] * phi[entry] * SPREAD[links[entry, 0]] * sampled[slope] / spread**2
    return gradient


def symbolic_phi(sampled: Any, links: np.ndarray) -> Any:
    """`to_phi` in PyTensor.

    With ``t_c = log(1 - s_1) + ... + log(1 - s_c)`` the shares before cut c leave ``exp(t_c)`` above it.
    """
    import pytensor.tensor as pt

    link, slope = links.T
    shares = np.flatnonzero(link != PLAIN)
    if not len(shares):
        return sampled
    summed = ((slope[shares][:, None] == slope[shares]) & (shares[:, None] >= shares)).astype(float)
    log_above = pt.as_tensor(summed) @ pt.log1p(-sampled[shares])
    spread = pt.sqrt(1.0 + np.array(SPREAD)[link[shares]] * sampled[slope[shares]] ** 2)
    phi = sampled
    probit = link[shares] == PROBIT
    if not probit.all():
        some = log_above[np.flatnonzero(~probit)]
        phi = phi[shares[~probit]].set((pt.log(-pt.expm1(some)) - some) * spread[np.flatnonzero(~probit)])
    if probit.any():
        some = log_above[np.flatnonzero(probit)]
        below, above = -pt.expm1(some), pt.exp(some)
        quantile = np.sqrt(2.0) * pt.erfcinv(2.0 * pt.minimum(below, above))
        phi = phi[shares[probit]].set(pt.switch(below < above, -quantile, quantile) * spread[np.flatnonzero(probit)])
    return phi
