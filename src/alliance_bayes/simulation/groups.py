"""Groups, sites or studies: a truth for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..basics.calls import checked
from ..basics.given import seed_problem, shown
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from ..spec.cross_lagged import CrossLagged
from .truth import Truth

__all__ = ["GroupTruth"]


@dataclass(frozen=True)
class GroupTruth:
    """True values of several groups of one model, from which a panel with groups can be drawn.

    Parameters
    ----------
    truths
        Label of a group to its truth; two or more, all of the same model and times.

    Raises
    ------
    SpecError
        If the groups differ in what the model has equal: in lags with ``group_lags="equal"``, or in
        `equal_across_groups`; all problems at once.

    Examples
    --------
    >>> from alliance_bayes import RICLPM
    >>> spec = RICLPM(["x", "y"], group_lags="free")
    >>> one = Truth(spec, times=[0, 1, 2], lagged={"x -> y": 0.2}, carry_over=0.3, icc=0.5)
    >>> other = Truth(spec, times=[0, 1, 2], carry_over=0.3, icc=0.4)
    >>> GroupTruth({"north": one, "south": other}).labels
    ('north', 'south')
    """

    truths: Mapping[str, Truth]

    def __post_init__(self) -> None:
        problems = Problems("These groups cannot be simulated")
        if (
            not isinstance(self.truths, Mapping)
            or len(self.truths) < 2
            or not all(isinstance(label, str) and isinstance(truth, Truth) for label, truth in self.truths.items())
        ):
            problems.add(f"truths must be a table from two or more labels to ab.Truth(...); got {shown(self.truths)}.")
            problems.raise_as(SpecError)
        object.__setattr__(self, "truths", dict(self.truths))
        first = next(iter(self.truths.values()))
        for label, truth in self.truths.items():
            if truth.spec != first.spec or truth.times != first.times:
                problems.add(f"Group '{label}' has another model or other times than '{self.labels[0]}'.")
        problems.raise_as(SpecError)
        if self.spec.group_lags is None:
            problems.add("The model has no groups; say group_lags='free', 'equal' or 'pooled' in it.")
        for what, values in self._equal_quantities().items():
            arrays = [np.concatenate([np.ravel(array) for array in quantities]) for quantities in values]
            if any(not np.allclose(array, arrays[0], rtol=1e-9, atol=1e-12) for array in arrays[1:]):
                problems.add(f"The model has {what} equal in all groups, and the truths differ in them.")
        problems.raise_as(SpecError)

    @classmethod
    @checked(apart=["seed"])
    def pooled(cls, truth: Truth, labels: Sequence[str], *, spread: float | Mapping[str, float], seed: int) -> Self:
        """Groups whose lagged effects are draws from a normal distribution about those of one truth.

        Parameters
        ----------
        truth
            The mean; with lags or a drift that are single numbers.
        labels
            Of the groups.
        spread
            SD of the effects between groups, in the unit of `Truth.lagged` (or `Truth.drift`): of each effect that the
            truth has, or by path.
        seed
            The same seed gives the same groups.

        Raises
        ------
        SpecError
            If a drawn truth is refused, or an effect is a list.

        Examples
        --------
        >>> from alliance_bayes import RICLPM
        >>> spec = RICLPM(["x", "y"], group_lags="pooled")
        >>> mean = Truth(spec, times=[0, 1, 2], lagged={"x -> y": 0.2}, carry_over=0.3, icc=0.5)
        >>> sites = GroupTruth.pooled(mean, ["a", "b", "c"], spread={"x -> y": 0.1}, seed=1)
        >>> len({site.lagged["x -> y"] for site in sites.truths.values()})
        3
        """
        if problem := seed_problem(seed):
            raise SpecError(problem)
        name = "drift" if truth.spec.lags == "continuous" else "lagged"
        effects = dict(truth._paths)
        if several := [path for path, effect in effects.items() if isinstance(effect, tuple)]:
            raise SpecError(f"Effects of groups are drawn from single numbers; {quoted(several)} are lists.")
        spreads = spread if isinstance(spread, Mapping) else dict.fromkeys(effects, spread)
        random, truths = np.random.default_rng(seed), {}
        for label in labels:
            given: dict[str, Any] = {
                path: float(effect) + spreads.get(path, 0.0) * random.standard_normal()  # type: ignore[arg-type]
                for path, effect in effects.items()
            }
            drawn: dict[str, Any] = {name: given, "carry_over": None}
            truths[label] = replace(truth, **drawn)
        return cls(truths)

    @classmethod
    @checked()
    def from_mapping(cls, spec: CrossLagged, mapping: Mapping[str, Any]) -> Self:
        """Read groups as a model file writes them; the inverse of `to_mapping`.

        Parameters
        ----------
        spec
            The model of all.
        mapping
            ``groups``: label to the parameters of its `Truth`; what stands beside it holds in every group that
            does not say otherwise.
        """
        common = {name: value for name, value in mapping.items() if name != "groups"}
        problems, truths = Problems("[truth] cannot be read"), {}
        groups = mapping["groups"]
        if not isinstance(groups, Mapping) or not all(isinstance(table, Mapping) for table in groups.values()):
            raise SpecError(f"groups must be a table from labels to true values; got {shown(groups)}.")
        for label, of_group in groups.items():
            with problems.collecting(f"Group '{label}': "):
                truths[str(label)] = Truth.from_mapping(spec, common | dict(of_group))
        problems.raise_as(SpecError)
        return cls(truths)

    def to_mapping(self) -> dict[str, object]:
        """Return the groups without their model as plain numbers, lists and tables, ready for TOML."""
        return {"groups": {label: truth.to_mapping() for label, truth in self.truths.items()}}

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the groups, in the order given."""
        return tuple(self.truths)

    @property
    def spec(self) -> CrossLagged:
        """The model of all groups."""
        return next(iter(self.truths.values())).spec

    @property
    def times(self) -> tuple[float, ...]:
        """Times of the waves, in the panel's unit."""
        return tuple(next(iter(self.truths.values())).times)

    def _equal_quantities(self) -> dict[str, list[list[Any]]]:
        """What the model has equal, to its arrays in each group."""
        spec, truths = self.spec, list(self.truths.values())
        quantities: dict[str, list[list[Any]]] = {}
        if spec.group_lags == "equal":
            quantities["lagged effects"] = [
                [truth.standardized if spec.lags == "equal_standardized" else truth.raw] for truth in truths
            ]
        if "variances" in spec.equal_across_groups:
            quantities["variances"] = [
                [truth.within_covariance, truth.factor_covariance, truth.first_with_factors] for truth in truths
            ]
        if "residuals" in spec.equal_across_groups:
            quantities["residuals"] = [[truth.innovation_covariances, truth.error_sds] for truth in truths]
        if "means" in spec.equal_across_groups:
            quantities["means"] = [[truth.means_table] for truth in truths]
        return quantities

    def __str__(self) -> str:
        return "\n".join(f"Group {label}\n{truth}" for label, truth in self.truths.items())
