"""Regimes: interventions on treatments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..basics.calls import checked
from ..basics.names import number
from .equations import Array, Values

__all__ = ["Policy", "Regime", "Shift", "applied", "is_set", "policy_in_words"]


@checked()
@dataclass(frozen=True)
class Shift:
    """A modified treatment policy: everyone's own value, moved by the same amount.

    The own value is the one under the regime up to then, so shifts at several occasions add up
    as far as the treatment carries over.

    Parameters
    ----------
    by
        Amount, in the treatment's unit.

    Examples
    --------
    >>> print(Shift(0.5))
    own value + 0.5
    """

    by: float

    def __str__(self) -> str:
        if self.by == 0:
            return "own value"
        return f"own value {'+' if self.by > 0 else '-'} {number(abs(self.by))}"


Policy = float | Shift | Callable[[Values, Array | None], Array]
Regime = Mapping[str, Policy]


def policy_in_words(policy: Any) -> str:
    """Name of a policy: the value set, the shift, or the function's name."""
    if isinstance(policy, Real):
        return number(float(policy))
    return str(policy) if isinstance(policy, Shift) else getattr(policy, "__name__", repr(policy))


def is_set(policy: Policy | None) -> bool:
    """Whether the policy sets a number, whatever a person's own value would be."""
    return isinstance(policy, Real)


def applied(policy: Policy, values: Values, unchanged: Array | None) -> Array:
    """Values of a treatment under a policy, given its own values."""
    if isinstance(policy, Shift):
        assert unchanged is not None
        return np.asarray(unchanged + policy.by)
    if callable(policy):
        return policy(values, unchanged)
    return np.asarray(float(policy))
