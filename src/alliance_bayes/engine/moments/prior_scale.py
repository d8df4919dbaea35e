"""From the scale on which priors are stated to the parameters of the model.

Priors speak of standardised lagged effects, SDs, the ICC and partial correlations; the linear
system of raw effects and covariances. ``Phi = D Phi* D^-1`` with D the within-person SDs of the
first wave, and likewise for a drift; a covariance is ``sd_j sd_k r_jk``, with the correlation matrix
built from its partial correlations row by row of its Cholesky factor (Lewandowski, Kurowicka & Joe
2009, https://doi.org/10.1016/j.jmva.2009.04.008).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...basics.names import lagged_paths, split_path
from ...spec.cross_lagged import CrossLagged
from ...spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal, Prior
from ...spec.steps import interval_names
from .design import Design
from .dynamics import Dynamics
from .parameters import ParameterTable, lay_out_parameters
from .program import NOTHING, Program, ProgramArrays, Writer

__all__ = ["Block", "PriorScale", "prior_scale"]

type Addresses = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """One random variable of the model: a named array of parameters with one prior.

    Attributes
    ----------
    name
        Name of the random variable.
    prior
        Its prior; an `LKJ` stands for the Beta priors of ``(partial correlation + 1) / 2``.
    dims
        Names of its dimensions.
    shape
        Their lengths.
    bounds
        Where the prior is cut off; None where it is not.
    size_of_matrix
        Rows of the correlation matrix that an `LKJ` is about.
    betas
        Priors of the numbers one by one, where these differ.
    """

    name: str
    prior: Prior
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    bounds: tuple[float, float] | None = None
    size_of_matrix: int = 0
    betas: tuple[Beta, ...] = ()

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)

    @property
    def partial_shapes(self) -> npt.NDArray[np.float64]:
        """Beta parameters of an `LKJ`, along the last dimension."""
        assert isinstance(self.prior, LKJ)
        return self.prior.partial_shapes(self.size_of_matrix)

    @property
    def beta_shapes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Both parameters of every number's `Beta` or `LKJ`, along the last dimension."""
        if isinstance(self.prior, LKJ):
            return self.partial_shapes, self.partial_shapes
        assert isinstance(self.prior, Beta)
        if not self.betas:
            return np.array(self.prior.alpha), np.array(self.prior.beta)
        return np.array([beta.alpha for beta in self.betas]), np.array([beta.beta for beta in self.betas])


@dataclass(frozen=True, eq=False)
class PriorScale:
    """The random variables of a model, in the order in which they make one vector psi.

    Attributes
    ----------
    blocks
        Random variables, in order.
    coordinates
        Labels of every dimension the blocks use.
    to_theta
        From psi to the parameters of the model.
    """

    blocks: tuple[Block, ...]
    coordinates: Mapping[str, tuple[str, ...] | tuple[float, ...]]
    to_theta: Program

    @cached_property
    def arrays(self) -> ProgramArrays:
        """`to_theta` for the compiled interpreter."""
        return self.to_theta.arrays

    @property
    def size(self) -> int:
        """Length of psi."""
        return sum(block.size for block in self.blocks)

    def join(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Join values of the blocks, each with leading dims in common, into psi along the last axis."""
        lead = np.shape(values[self.blocks[0].name])[: -len(self.blocks[0].shape)]
        return np.concatenate(
            [np.asarray(values[block.name], dtype=float).reshape(*lead, block.size) for block in self.blocks], axis=-1
        )

    def draw(self, n_draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Independent draws of every block from its prior, shape ``(draw, *block shape)``."""
        return {block.name: _draw(block, n_draws, rng) for block in self.blocks}


def prior_scale(spec: CrossLagged, design: Design) -> PriorScale:
    """Lay out the random variables of a model on a panel."""
    layout = _Layout(spec, design, lay_out_parameters(spec, design))
    theta = layout.write()
    assert (theta != NOTHING).all()
    layout.writer.n_inputs = sum(block.size for block in layout.blocks)
    return PriorScale(tuple(layout.blocks), layout.coordinates, layout.writer.program(theta))


class _Layout:
    """Adds random variables one after the other, and writes what theta makes of them."""

    def __init__(self, spec: CrossLagged, design: Design, table: ParameterTable) -> None:
        self.spec, self.design, self.table = spec, design, table
        self.writer = Writer(0)
        self.blocks: list[Block] = []
        self.theta = np.full(len(table), NOTHING)
        self.first_sds: Addresses | None = None
        names, times = tuple(spec.measures), design.times
        size = self.size = len(names)
        self.lags = spec.lags_for(times)
        self.coordinates: dict[str, tuple[str, ...] | tuple[float, ...]] = {
            "interval": interval_names(times),
            "time": times,
            "later_time": times[1:],
            "measure": names,
            "path": lagged_paths(names),
            "carry_over_path": spec.carry_over_paths,
            "cross_lagged_path": spec.cross_lagged_paths,
            "lag_2_path": tuple(spec.lag_2),
            "moderated_path": tuple(f"{path} by {name}" for path, name in spec.moderated.items()),
            "pair": tuple(f"{names[column]}, {names[row]}" for row in range(size) for column in range(row)),
            "group": design.groups,
        }

    def write(self) -> Addresses:
        """Every random variable; returns the addresses of theta."""
        lags = self.add_lags()
        unit = self.first_wave()
        for positions, values, group in lags:
            self.let(positions, self.raw(positions, values, unit[group]))
        self.write_innovations()
        self.write_rest()
        return self.theta

    # ---- blocks ----

    def add(
        self,
        name: str,
        prior: Prior,
        *dims: tuple[int, str],
        group: bool = False,
        bounds: tuple[float, float] | None = None,
        size_of_matrix: int = 0,
        betas: tuple[Beta, ...] = (),
    ) -> Addresses:
        """Addresses of a new random variable, with a first axis for groups."""
        lengths = tuple(length for length, _ in dims)
        lead = ((len(self.design.groups), "group"),) if group else ()
        shape = (*(length for length, _ in lead), *lengths)
        start = sum(block.size for block in self.blocks)
        if math.prod(shape):
            labels = (*(dim for _, dim in lead), *(dim for _, dim in dims))
            self.blocks.append(Block(name, prior, labels, shape, bounds, size_of_matrix, betas))
        addresses = start + np.arange(math.prod(shape)).reshape(shape)
        return addresses if group else np.broadcast_to(addresses, (self.design.n_groups, *lengths))

    def per_group(self, part: str) -> bool:
        """Whether each group has its own."""
        return bool(self.design.groups) and part not in self.spec.equal_across_groups

    def correlation(
        self, name: str, prior: LKJ, size: int, *dims: tuple[int, str], group: bool, pair: str = "pair"
    ) -> Addresses:
        return self.add(name, prior, *dims, (size * (size - 1) // 2, pair), group=group, size_of_matrix=size)

    def let(self, positions: Addresses, addresses: Addresses) -> None:
        """Theta at these positions comes from these addresses."""
        known = np.asarray(positions) != NOTHING
        self.theta[np.asarray(positions)[known]] = np.broadcast_to(addresses, np.shape(positions))[known]

    # ---- what theta is made of ----

    def first_wave(self) -> list[Addresses]:
        """Covariances of stable factors and of the first wave; returns each group's within-person SDs there."""
        spec, priors, writer, group = self.spec, self.spec.priors, self.writer, self.per_group("variances")
        size, each = self.size, (self.size, "measure")
        if spec.accumulating:
            return self.accumulating(group)
        total = self.total_sds(group)
        within = list(total)
        if spec.random_intercepts:
            icc = self.add("icc", priors.icc, each, group=group)
            between = [writer.multiply(sd, writer.square_root(share)) for sd, share in zip(total, icc, strict=True)]
            one = writer.constant(1.0)
            rest = [writer.square_root(writer.subtract(one, share)) for share in icc]
            within = [writer.multiply(sd, part) for sd, part in zip(total, rest, strict=True)]
            if spec.growth:
                self.growth(between, group)
            else:
                units = self.correlation("between_partial_unit", priors.between_correlation, size, group=group)
                for g, sd in enumerate(between):
                    self.let(self.table.at("between", g), writer.covariance(sd, units[g]))
        if spec.error:
            within = self.errors(within, group)
        units = self.correlation("within_partial_unit", priors.within_correlation, size, group=group)
        for g, sd in enumerate(within):
            self.let(self.table.at("within", g), writer.covariance(sd, units[g]))
        return within

    def total_sds(self, group: bool) -> Addresses:
        """SDs of the measures at the first wave: 1 by definition where there is but a linear predictor."""
        prior, latent = self.spec.priors.total_sd, self.is_latent
        if not latent.any():
            return self.add("relative_total_sd", prior, (self.size, "measure"), group=group)
        sds = np.full((self.design.n_groups, self.size), self.writer.constant(1.0))
        if not latent.all():
            sds[:, ~latent] = self.add("relative_total_sd", prior, self.normal_measures(), group=group)
            self.first_sds = sds[0]
        return sds

    def in_first_sds(self, sds: Addresses, places: Sequence[int] | slice = slice(None)) -> Addresses:
        """SDs or means in SDs of the first wave: priors treat normal measures and linear predictors alike."""
        return sds if self.first_sds is None else self.writer.multiply(sds, self.first_sds[places])

    @property
    def is_latent(self) -> npt.NDArray[np.bool_]:
        """Which measures have a family other than the normal."""
        return np.array([name in self.spec.random_families for name in self.spec.measures])

    def normal_measures(self) -> tuple[int, str]:
        """The dim of the measures that are normal."""
        names = tuple(name for name in self.spec.measures if name not in self.spec.random_families)
        self.coordinates["normal_measure"] = names
        return len(names), "normal_measure"

    def errors(self, within: list[Addresses], group: bool) -> list[Addresses]:
        """Split what is not stable into measurement error and the rest."""
        writer, one = self.writer, self.writer.constant(1.0)
        share = self.add("error_share", self.spec.priors.error_share, (self.size, "measure"), group=group)
        left = []
        for g, sd in enumerate(within):
            error = writer.multiply(sd, writer.square_root(share[g]))
            self.let(self.table.at("error", g), writer.multiply(error, error))
            left.append(writer.multiply(sd, writer.square_root(writer.subtract(one, share[g]))))
        return left

    def growth(self, between: list[Addresses], group: bool) -> None:
        """Intercepts and slopes together."""
        priors, size = self.spec.priors, self.size
        slope = self.add("relative_slope_sd", priors.slope_sd, (size, "measure"), group=group)
        units = self.correlation(
            "growth_partial_unit", priors.between_correlation, 2 * size, group=group, pair="growth_pair"
        )
        self.coordinates["growth_pair"] = self._pairs("intercept", "slope")
        for g, sd in enumerate(between):
            whole = self.writer.covariance(np.concatenate([sd, slope[g]]), units[g])
            self.let(self.table.at("between", g), whole[:size, :size])
            self.let(self.table.at("slope", g), whole[size:, size:])
            self.let(self.table.at("between with slope", g), whole[:size, size:])

    def accumulating(self, group: bool) -> list[Addresses]:
        """Accumulating factors, slopes and the first wave together; returns the SDs left given the factors."""
        spec, priors, size, writer = self.spec, self.spec.priors, self.size, self.writer
        each = (size, "measure")
        total = self.add("relative_total_sd", priors.total_sd, each, group=group)
        parts = [("accumulating", self.add("relative_accumulating_sd", priors.accumulating_sd, each, group=group))]
        if spec.growth:
            slope = self.add("relative_slope_sd", priors.slope_sd, each, group=group)
            parts.append(("accumulating slope", slope))
        parts.append(("within", total))
        units = self.correlation(
            "factor_partial_unit", priors.between_correlation, len(parts) * size, group=group, pair="factor_pair"
        )
        words = ("accumulating", *(("slope",) if spec.growth else ()), "first")
        self.coordinates["factor_pair"] = self._pairs(*words)
        names = {"within": "first"}
        found = []
        for g in range(self.design.n_groups):
            whole = writer.covariance(np.concatenate([sd[g] for _, sd in parts]), units[g])
            for row, (name, _) in enumerate(parts):
                for column, (other, _) in enumerate(parts[row:], start=row):
                    block = whole[row * size : (row + 1) * size, column * size : (column + 1) * size]
                    matrix = name if row == column else f"{name} with {names.get(other, other)}"
                    self.let(self.table.at(matrix, g), block)
            n_factors = (len(parts) - 1) * size
            factors, crossing = whole[:n_factors, :n_factors], whole[:n_factors, n_factors:]
            weights = writer.product(crossing.T, writer.inverse(factors))
            left = writer.subtract(whole[n_factors:, n_factors:], writer.product(weights, crossing))
            found.append(writer.sds(left))
        return found

    def _pairs(self, *words: str) -> tuple[str, ...]:
        labels = [f"{word} {name}" for word in words for name in self.spec.measures]
        return tuple(f"{labels[column]}, {labels[row]}" for row in range(len(labels)) for column in range(row))

    def add_lags(self) -> list[tuple[Addresses, Addresses, int]]:
        """Random variables of effects between measures: where each stands in theta, standardised, and its group."""
        priors, shortest = self.spec.priors, min(self.design.intervals)
        continuous = self.lags == "continuous"
        kinds: dict[str, tuple[Prior, str, float]] = {
            "carry_over": (priors.carry_over, "lagged", 1.0),
            "cross_lagged": (priors.cross_lagged, "lagged", 1.0),
            "lag_2": (priors.cross_lagged, "lag 2", 1.0),
            "moderation": (priors.moderation, "moderation", 1.0),
        }
        if continuous:
            kinds = {
                "decay": (priors.decay, "drift", -1 / shortest),
                "cross_drift": (priors.cross_drift, "drift", 1 / shortest),
                "moderation": (priors.moderation, "moderation", 1 / shortest),
            }
        found = []
        for name, (prior, matrix, factor) in kinds.items():
            by_group, dims = self.free_effects(name, matrix)
            bounds = (-1.0, 1.0) if name == "carry_over" else None
            if not by_group[0].size:
                continue
            effects = self.grouped(name, prior, dims, bounds)
            for group, (positions, values) in enumerate(zip(by_group, effects, strict=True)):
                scaled = values if factor == 1 else self.writer.multiply(values, self.writer.constant(factor))
                found.append((positions, scaled, group))
        return found

    def free_effects(self, name: str, matrix: str) -> tuple[list[Addresses], tuple[tuple[int, str], ...]]:
        """Where the effects of one kind stand in theta, for each group, and the dims of their random variable."""
        spec, n_intervals = self.spec, len(self.design.times) - 1
        paths = {
            "carry_over": spec.carry_over_paths,
            "decay": spec.carry_over_paths,
            "lag_2": spec.lag_2,
            "moderation": tuple(spec.moderated),
        }.get(name, spec.cross_lagged_paths)
        dim = {"decay": "carry_over_path", "cross_drift": "cross_lagged_path", "moderation": "moderated_path"}.get(
            name, f"{name}_path"
        )
        names = list(spec.measures)
        ends = [tuple(names.index(end) for end in split_path(path) or ()) for path in paths]

        def positions(group: int, occasion: int | None, path: int) -> int:
            predictor, outcome = ends[path]
            return int(self.table.at(matrix, group, occasion)[outcome, predictor])

        groups, each = range(self.design.n_groups), range(len(paths))
        if matrix == "moderation":
            return [np.array([positions(g, path, path) for path in each], dtype=np.int64) for g in groups], (
                (len(paths), dim),
            )
        if matrix != "lagged" or self.lags != "free":
            return [np.array([positions(g, None, path) for path in each], dtype=np.int64) for g in groups], (
                (len(paths), dim),
            )
        tables = [
            np.array(
                [[positions(g, occasion, path) for path in each] for occasion in range(n_intervals)], dtype=np.int64
            ).reshape(n_intervals, len(paths))
            for g in groups
        ]
        if not spec.equal and not any(", " in path for path in spec.remove):
            return tables, ((n_intervals, "interval"), (len(paths), dim))
        distinct = [np.unique(table[table != NOTHING]) for table in tables]
        self.coordinates[dim] = tuple(
            self.table.names[position].removeprefix(self.design.scope(0)) for position in distinct[0]
        )
        return distinct, ((len(distinct[0]), dim),)

    def raw(self, positions: Addresses, values: Addresses, unit: Addresses) -> Addresses:
        """Effects per SD, in SDs, of the first wave's within-person parts, as raw ones."""
        if self.lags == "equal_standardized":
            return values
        ends = np.array([self.table.parameters[position].measures for position in positions.ravel()]).reshape(
            *positions.shape, 2
        )
        outcome, predictor = ends[..., 0], ends[..., 1]
        changed = self.writer.divide(self.writer.multiply(values, unit[outcome]), unit[predictor])
        return np.where(outcome == predictor, values, changed)

    def grouped(
        self, name: str, prior: Prior, dims: tuple[tuple[int, str], ...], bounds: tuple[float, float] | None
    ) -> list[Addresses]:
        """Effects of each group: its own, everybody's, or drawn from a normal distribution of groups.

        Pooled, group g has ``mean + spread * z_g`` (of the logarithm where the prior is log-normal).
        """
        if self.spec.group_lags != "pooled" or not self.design.groups:
            return list(
                self.add(
                    name, prior, *dims, group=self.spec.group_lags == "free" and bool(self.design.groups), bounds=bounds
                )
            )
        writer, positive = self.writer, isinstance(prior, LogNormal)
        centre = Normal(prior.log_mean, prior.log_sd) if isinstance(prior, LogNormal) else prior
        mean = self.add(f"{name}_mean", centre, *dims, bounds=bounds)[0]
        spread = self.add(f"{name}_spread", self.spec.priors.group_spread, *dims)[0]
        z = self.add(f"{name}_of_group", Normal(0.0, 1.0), *dims, group=True)
        found = [writer.add(mean, writer.multiply(spread, each)) for each in z]
        return [writer.exponential(each) for each in found] if positive else found

    def write_innovations(self) -> None:
        spec, priors, size = self.spec, self.spec.priors, self.size
        if spec.is_stationary:
            self.require_stationary()
            return
        group, continuous = self.per_group("residuals"), self.lags == "continuous"
        free = spec.residuals == "free" and not continuous
        occasions: dict[int, list[int | None]] = {
            g: [*range(len(self.design.times_of(g)) - 1)] if free else [None] for g in self.groups
        }
        sd_of = self.by_occasion(
            "relative_innovation_sd", priors.innovation_sd, (size, "measure"), occasions, "interval", group
        )
        unit_of = self.by_occasion(
            "innovation_partial_unit",
            priors.innovation_correlation,
            (size * (size - 1) // 2, "pair"),
            occasions,
            "interval",
            group,
            size,
        )
        shortest = self.writer.constant(1 / float(np.sqrt(min(self.design.intervals))))
        for (g, occasion), relative in sd_of.items():
            sd, unit = self.in_first_sds(relative), unit_of[g, occasion]
            if continuous:
                self.let(
                    self.table.at("diffusion", g), self.writer.covariance(self.writer.multiply(sd, shortest), unit)
                )
            else:
                self.let(self.table.at("innovation", g, occasion), self.writer.covariance(sd, unit))

    @property
    def groups(self) -> range:
        """Positions of the groups, at least one."""
        return range(self.design.n_groups)

    def by_occasion(
        self,
        name: str,
        prior: Prior,
        each: tuple[int, str],
        occasions: Mapping[int, Sequence[int | None]],
        dim: str,
        group: bool,
        size_of_matrix: int = 0,
    ) -> dict[tuple[int, int | None], Addresses]:
        """A random variable with one vector for each interval or wave, by group and occasion.

        Where groups have waves of their own, its first dim joins group and occasion.
        """
        if not self.design.group_times or occasions[0] == [None] or not group:
            lengths = () if occasions[0] == [None] else ((len(occasions[0]), dim),)
            values = self.add(name, prior, *lengths, each, group=group, size_of_matrix=size_of_matrix)
            return {
                (g, occasion): values[g] if occasion is None else values[g, occasion]
                for g, listed in occasions.items()
                for occasion in listed
            }
        keys = [(g, occasion) for g, listed in occasions.items() for occasion in listed]
        labels = {
            g: interval_names(self.design.times_of(g)) if dim == "interval" else self.design.times_of(g)
            for g in occasions
        }
        joined = f"group_{dim}"
        self.coordinates[joined] = tuple(f"{self.design.groups[g]}: {labels[g][place or 0]}" for g, place in keys)
        values = self.add(name, prior, (len(keys), joined), each, size_of_matrix=size_of_matrix)[0]
        return {key: values[place] for place, key in enumerate(keys)}

    def require_stationary(self) -> None:
        """Innovations ``P - Phi P Phi'`` exist only where they are positive definite."""
        theta = _OnTheta(self.table, self.theta)
        dynamics = Dynamics(self.spec, self.design, theta, self.writer)  # type: ignore[arg-type]
        seen = set()
        for cell in self.design.cells:
            for interval in dynamics.intervals(cell):
                key = interval.innovation.tobytes()
                if key not in seen:
                    self.writer.require_positive_definite(interval.innovation)
                    seen.add(key)

    def write_rest(self) -> None:
        """Loadings, indicators, effects of covariates, and means."""
        spec, priors, size = self.spec, self.spec.priors, self.size
        waves, each = len(self.design.times), (size, "measure")
        if spec.free_loadings:
            group = self.per_group("variances")
            loadings = self.add("loading", priors.trait_loading, (waves - 1, "later_time"), each, group=group)
            for g in range(self.design.n_groups):
                for wave in range(1, waves):
                    self.let(self.table.at("loading", g, wave), loadings[g, wave - 1])
        self.write_items()
        for covariate, targets in spec.covariates.items():
            for target in targets:
                dims = ((waves, "time"), each) if target == "each_wave" else (each,)
                name = f"{covariate} on {target}"
                effects = self.add(name.replace(" ", "_"), priors.covariate, *dims, group=self.per_group("means"))
                for g in range(self.design.n_groups):
                    if target != "each_wave":
                        self.let(self.table.at(name, g), effects[g])
                        continue
                    for wave in range(waves):
                        self.let(self.table.at(name, g, wave), effects[g, wave])
        self.write_means()
        self.write_latent_means()
        self.write_restarts()
        self.write_states()
        self.write_selections()
        self.write_families()

    def write_items(self) -> None:
        """Loadings, intercepts and unique SDs of indicators, each free number a random variable of its own name."""
        spec, priors, writer = self.spec, self.spec.priors, self.writer
        if not spec.indicators:
            return
        kinds: dict[str, Prior] = {
            "loading": priors.loading,
            "item intercept": priors.mean,
            "unique variance": priors.unique_sd,
        }
        positions: dict[str, list[int]] = {kind: [] for kind in kinds}
        for position, parameter in enumerate(self.table.parameters):
            if parameter.kind == "item":
                kind = next(kind for kind in kinds if parameter.name.startswith(kind))
                positions[kind].append(position)
        for kind, prior in kinds.items():
            found = np.array(positions[kind], dtype=np.int64)
            labels = [self.table.names[position].removeprefix(f"{kind} ") for position in positions[kind]]
            name = {"unique variance": "relative_unique_sd"}.get(kind, kind.replace(" ", "_"))
            if spec.invariance == "approximate" and kind != "unique variance":
                self.let(found, self.approximate(name, prior, labels))
                continue
            self.coordinates[f"{name}_of"] = tuple(labels)
            values = self.add(name, prior, (len(found), f"{name}_of"))[0]
            self.let(found, writer.multiply(values, values) if kind == "unique variance" else values)

    def approximate(self, name: str, prior: Prior, labels: list[str]) -> Addresses:
        """Numbers that differ a little from wave to wave about one for all waves."""
        items = list(dict.fromkeys(label.partition(", ")[0] for label in labels))
        self.coordinates |= {f"{name}_of": tuple(items), f"{name}_difference_of": tuple(labels)}
        centre = self.add(name, prior, (len(items), f"{name}_of"))[0]
        difference = self.spec.priors.loading_difference
        moved = self.add(f"{name}_difference", difference, (len(labels), f"{name}_difference_of"))[0]
        return self.writer.add(centre[[items.index(label.partition(", ")[0]) for label in labels]], moved)

    def write_means(self) -> None:
        spec, prior, group = self.spec, self.spec.priors.mean, self.per_group("means")
        each = (self.size, "measure")
        if spec.growth:
            words = ("accumulating", "accumulating slope") if spec.accumulating else ("intercept", "slope")
            names = [f"mean {word}" for word in words]
            if spec.accumulating:
                first = self.add("relative_mean", prior, each, group=group)
                for g in range(self.design.n_groups):
                    self.let(self.table.at("mean", g, 0), first[g])
            for name in names:
                values = self.add(f"relative_{name.replace(' ', '_')}", prior, each, group=group)
                for g in range(self.design.n_groups):
                    self.let(self.table.at(name, g), values[g])
            return
        free = spec.means == "free"
        located = self.table.at("mean", 0, 0) != NOTHING
        if not located.any():
            return
        if self.is_latent.any():
            each = self.normal_measures()
        elif not located.all():
            self.coordinates["measure_with_mean"] = tuple(np.array(spec.measures)[located].tolist())
            each = (int(located.sum()), "measure_with_mean")
        occasions: dict[int, list[int | None]] = {
            g: [*range(len(self.design.times_of(g)))] if free else [None] for g in self.groups
        }
        means = self.by_occasion("relative_mean", prior, each, occasions, "time", group)
        for (g, wave), values in means.items():
            self.let(self.table.at("mean", g, wave)[located], values)

    def write_latent_means(self) -> None:
        """Means of linear predictors after the first wave, where they are 0 by definition."""
        latent, times = self.is_latent, self.design.times
        if not latent.any() or self.spec.means == "equal":
            return
        names = tuple(self.spec.random_families)
        self.coordinates["latent_measure"] = names
        dims = (len(times) - 1, "later_time"), (len(names), "latent_measure")
        means = self.add("latent_mean", self.spec.priors.mean, *dims)[0]
        for wave in range(1, len(times)):
            self.let(self.table.at("mean", 0, wave)[latent], means[wave - 1])

    def write_restarts(self) -> None:
        state, writer = self.spec.state, self.writer
        if state is None or not state.required_by:
            return
        self.coordinates["restarting_measure"] = tuple(state.required_by)
        dim = len(state.required_by), "restarting_measure"
        places = [self.spec.measures.index(name) for name in state.required_by]
        sds = self.in_first_sds(self.add("relative_restart_sd", self.spec.priors.innovation_sd, dim)[0], places)
        means = self.in_first_sds(self.add("relative_restart_mean", state.effect, dim)[0], places)
        self.let(self.table.at("restart variance", 0)[places], writer.multiply(sds, sds))
        self.let(self.table.at("restart mean", 0)[places], means)

    def write_numbers(self, block: str, matrix: str, prior: Prior, labels: Sequence[str]) -> None:
        """A vector of numbers, each a random variable with the same prior."""
        if labels:
            self.coordinates[f"{block}_of"] = tuple(labels)
            self.let(self.table.at(matrix, 0), self.add(block, prior, (len(labels), f"{block}_of"))[0])

    def write_intercepts(self, block: str, matrix: str, prior: Prior, first: int) -> None:
        """An intercept for each wave from the first one that has it."""
        times = self.design.times[first:]
        dim = "time" if first == 0 else "later_time"
        values = self.add(block, prior, (len(times), dim))[0]
        for place in range(len(times)):
            self.let(self.table.at(matrix, 0, first + place), values[place])

    def write_states(self) -> None:
        state = self.spec.state
        if state is None:
            return
        name = state.name
        self.write_numbers(f"{name}_first_intercept", "first intercept", state.intercept, [name])
        self.write_numbers(f"{name}_first_on", "first on", state.slope, state.first)
        for word, predictors in (("acquired", state.acquire), ("kept", state.keep)):
            self.write_intercepts(f"{name}_{word}_intercept", f"{word} intercept", state.intercept, 1)
            self.write_numbers(f"{name}_{word}_on", f"{word} on", state.slope, predictors)
        if state.acts_on:
            self.coordinates[f"{name}_effect_on"] = tuple(state.acts_on)
            places = [self.spec.measures.index(each) for each in state.acts_on]
            effects = self.add(f"{name}_effect", state.effect, (len(places), f"{name}_effect_on"))[0]
            self.let(self.table.at("state effect", 0)[places], effects)

    def write_selections(self) -> None:
        for each in self.spec.selection:
            of, matrix = each.of, f"{each.of} seen"
            self.write_intercepts(f"{of}_seen_intercept", f"{matrix} intercept", each.intercept, each.first_wave)
            if each.effect is not None:
                self.write_numbers(f"{of}_seen_on", f"{matrix} on", each.effect, each.on)
            self.write_numbers(f"{of}_seen_before", f"{matrix} before", each.slope, each.before)

    def write_families(self) -> None:
        """Numbers of the families: slopes, loadings, precisions, and shares that stand for cut points."""
        for name, family in self.spec.random_families.items():
            positions = self.table.at(f"family of {name}", 0)
            blocks: dict[str, list[int]] = {}
            for place, parameter in enumerate(family.parameters):
                blocks.setdefault(parameter.name.split(" ")[0], []).append(place)
            for word, places in blocks.items():
                chosen = [family.parameters[place] for place in places]
                labels = tuple(each.name.removeprefix(word).strip() or name for each in chosen)
                dim = f"{word}_{name}_of"
                self.coordinates[dim] = labels
                priors = tuple(each.prior for each in chosen)
                betas = tuple(prior for prior in priors if isinstance(prior, Beta))
                values = self.add(f"{word}_{name}", priors[0], (len(chosen), dim), betas=betas)[0]
                self.let(positions[places], values)


class _OnTheta:
    """A parameter table whose matrices are addresses in psi's program instead of positions in theta."""

    def __init__(self, table: ParameterTable, theta: Addresses) -> None:
        self.table, self.theta = table, theta

    def at(self, name: str, group: int, occasion: int | None = None) -> Addresses:
        positions = self.table.at(name, group, occasion)
        return np.where(positions == NOTHING, NOTHING, self.theta[positions])


def _draw(block: Block, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    shape = (n_draws, *block.shape)
    match block.prior:
        case Normal(mean, sd) if block.bounds is not None:
            return _draw_inside(mean, sd, block.bounds, shape, rng)
        case Normal(mean, sd):
            return rng.normal(mean, sd, shape)
        case HalfNormal(sd):
            return np.abs(rng.normal(0.0, sd, shape))
        case LogNormal(log_mean, log_sd):
            return np.exp(rng.normal(log_mean, log_sd, shape))
        case Beta() | LKJ():
            return np.asarray(rng.beta(*(np.broadcast_to(each, shape) for each in block.beta_shapes)))


def _draw_inside(
    mean: float, sd: float, bounds: tuple[float, float], shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    lower, upper = (ndtr((bound - mean) / sd) for bound in bounds)
    return np.asarray(mean + sd * ndtri(rng.uniform(lower, upper, shape)))
