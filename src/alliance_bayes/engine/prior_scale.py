"""From the scale on which priors are stated to the parameters of the model.

Priors speak of standardised lagged effects, SDs, the ICC and partial correlations; the linear
system of raw effects and covariances. ``Phi = D Phi* D^-1`` with D the within-person SDs of the
first wave, and likewise for a drift; a covariance is ``sd_j sd_k r_jk``, with the correlation matrix
built from its partial correlations row by row of its Cholesky factor (Lewandowski, Kurowicka & Joe
2009, https://doi.org/10.1016/j.jmva.2009.04.008).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal, Prior
from ..basics.names import lagged_paths
from ..spec.steps import interval_names
from .kernels.arrays import ProgramArrays
from .keys import Key
from .parameters import Addresses, ParameterTable, Shared, Workspace
from .program import NOTHING, Program, Writer

__all__ = ["Block", "PriorBuilder", "PriorScale", "pairs"]


@dataclass(frozen=True)
class Block:
    """One random variable of the model: a named array of parameters with one prior."""

    name: str
    prior: Prior  # its prior; an `LKJ` stands for the Beta priors of ``(partial correlation + 1) / 2``
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    bounds: tuple[float, float] | None = None  # where the prior is cut off; None where it is not
    size_of_matrix: int = 0  # rows of the correlation matrix that an `LKJ` is about
    betas: tuple[Beta, ...] = ()  # priors of the numbers one by one, where these differ

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)

    @property
    def beta_shapes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Both parameters of every number's `Beta` or `LKJ`, along the last dimension."""
        if isinstance(self.prior, LKJ):
            shapes = self.prior.partial_shapes(self.size_of_matrix)
            return shapes, shapes
        assert isinstance(self.prior, Beta)
        if not self.betas:
            return np.array(self.prior.alpha), np.array(self.prior.beta)
        return np.array([beta.alpha for beta in self.betas]), np.array([beta.beta for beta in self.betas])


@dataclass(frozen=True, eq=False)
class PriorScale:
    """The random variables of a model, in the order in which they make one vector psi."""

    blocks: tuple[Block, ...]
    coordinates: Mapping[str, tuple[str, ...] | tuple[float, ...]]  # labels of every dimension the blocks use
    to_theta: Program  # from psi to the parameters of the model

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


type Share = Callable[[PriorBuilder, Sequence[Addresses]], Sequence[Addresses]]


class PriorBuilder(Workspace):
    """What parts add their random variables to, with what theta makes of them.

    Attributes
    ----------
    theta
        Address of every parameter, `NOTHING` until a part has said what it is.
    coordinates
        Labels of the dims that random variables may have; parts add their own.
    within
        Within-person SDs at the first wave by group, known once its part has added its random variables.
    """

    def __init__(self, table: ParameterTable, shares: Sequence[Share]) -> None:
        super().__init__(table, Writer(0))
        self.shares = shares
        names, times = tuple(table.spec.measures), table.design.times
        self.size, self.groups = len(names), range(table.design.n_groups)
        self.blocks: list[Block] = []
        self.theta = np.full(len(table), NOTHING)
        self.within: list[Addresses] = []
        self.first_sds: Addresses | None = None
        self.coordinates: dict[str, tuple[str, ...] | tuple[float, ...]] = {
            "interval": interval_names(times),
            "time": times,
            "later_time": times[1:],
            "measure": names,
            "path": lagged_paths(names),
            "pair": pairs(names),
            "group": table.design.groups,
        }
        self._later: list[Callable[[], None]] = []

    def scale(self) -> PriorScale:
        """All random variables, once every part has added its own."""
        for write in self._later:
            write()
        assert (self.theta != NOTHING).all()
        self.writer.n_inputs = sum(block.size for block in self.blocks)
        return PriorScale(tuple(self.blocks), self.coordinates, self.writer.program(self.theta))

    def at(self, key: Key, group: int, occasion: int | None = None) -> Addresses:
        """Addresses of an array of parameters that random variables have determined."""
        positions = self.table.at(key, group, occasion)
        return np.where(positions == NOTHING, NOTHING, self.theta[positions])

    def add(
        self,
        name: str,
        prior: Prior,
        *dims: str,
        group: bool = False,
        bounds: tuple[float, float] | None = None,
        size_of_matrix: int = 0,
        betas: tuple[Beta, ...] = (),
    ) -> Addresses:
        """Addresses of a new random variable, with a first axis for groups.

        Arguments are those of `Block`; `group` says whether each group has its own.
        """
        labels = ("group", *dims) if group else dims
        shape = tuple(len(self.coordinates[dim]) for dim in labels)
        start = sum(block.size for block in self.blocks)
        if math.prod(shape):
            self.blocks.append(Block(name, prior, labels, shape, bounds, size_of_matrix, betas))
        addresses = start + np.arange(math.prod(shape)).reshape(shape)
        return addresses if group else np.broadcast_to(addresses, (len(self.groups), *shape))

    def correlation(self, name: str, prior: LKJ, *dims: str, group: bool = False, size: int | None = None) -> Addresses:
        """Addresses of the partial correlations of a matrix, of the measures unless its size is given."""
        return self.add(name, prior, *dims, group=group, size_of_matrix=self.size if size is None else size)

    def joint(
        self,
        name: str,
        sds: Mapping[str, Sequence[Addresses]],
        blocks: Mapping[tuple[str, str], Key],
        *,
        group: bool,
    ) -> list[Addresses]:
        """Add the correlations of several vectors of measures, whose covariance matrix is parameters block by block.

        Parameters
        ----------
        name
            Beginning of the names of the random variable and of its dim.
        sds
            What each vector is, to its SDs by group.
        blocks
            Two vectors to the array of their covariances.
        group
            Whether each group has its own.

        Returns
        -------
        list
            The covariance matrix of all, by group.
        """
        size, words = self.size, list(sds)
        dim = self.dim(f"{name}_pair", pairs([f"{word} {measure}" for word in words for measure in self.spec.measures]))
        prior = self.spec.priors.between_correlation
        units = self.correlation(f"{name}_partial_unit", prior, dim, group=group, size=len(words) * size)
        place = {word: slice(start * size, (start + 1) * size) for start, word in enumerate(words)}
        matrices = []
        for g, unit in enumerate(units):
            covariance = self.writer.covariance(np.concatenate([vector[g] for vector in sds.values()]), unit)
            for (row, column), key in blocks.items():
                if row in place and column in place:
                    self.let(self.table.at(key, g), covariance[place[row], place[column]])
            matrices.append(covariance)
        return matrices

    def dim(self, name: str, labels: Sequence[str] | Sequence[float]) -> str:
        """A dim of a part's own, with its labels."""
        self.coordinates[name] = tuple(labels)  # type: ignore[assignment]
        return name

    def numbers(self, name: str, prior: Prior, key: Key) -> None:
        """Add a vector that is the parameters of one array, and has their names as labels, where there are any."""
        positions = np.sort(self.table.at(key, 0))
        positions = positions[positions != NOTHING]
        if positions.size:
            dim = self.dim(f"{name}_of", [self.table.names[position] for position in positions])
            self.let(positions, self.add(name, prior, dim)[0])

    def by_occasion(
        self,
        name: str,
        prior: Prior,
        key: Key,
        dim: str,
        each: str,
        group: bool,
        size_of_matrix: int = 0,
    ) -> dict[tuple[int, int | None], Addresses]:
        """Add a vector for each array of a key: one for all intervals or waves, or one for each.

        Where groups have waves of their own, its first dim joins those of all groups.

        Parameters
        ----------
        name, prior, size_of_matrix
            See `Block`.
        key
            Of the arrays.
        dim, each
            The dim of intervals or waves, and that of the vector.
        group
            Whether each group has its own.

        Returns
        -------
        dict
            Group and occasion to the addresses of a vector.
        """
        arrays = [(g, when) for known, g, when in self.table.arrays if known == key]
        if arrays[0][1] is None:
            values = self.add(name, prior, each, group=group, size_of_matrix=size_of_matrix)
            return {(g, when): values[g] for g, when in arrays}
        if not self.design.group_times:
            values = self.add(name, prior, dim, each, group=group, size_of_matrix=size_of_matrix)
            return {(g, when): values[g, when] for g, when in arrays}
        labels = [
            f"{self.design.groups[g]}: {self._label(dim, g, when)}" if group else self._label(dim, g, when)
            for g, when in arrays
        ]
        distinct = list(dict.fromkeys(labels))
        if distinct != list(map(str, self.coordinates[dim])):
            dim = self.dim(f"group_{dim}", distinct)
        values = self.add(name, prior, dim, each, size_of_matrix=size_of_matrix)[0]
        return {array: values[distinct.index(label)] for array, label in zip(arrays, labels, strict=True)}

    def _label(self, dim: str, group: int, occasion: int | None) -> str:
        times = self.design.times_of(group)
        return str((interval_names(times) if dim == "interval" else times)[occasion or 0])

    def per_group(self, what: Shared) -> bool:
        """Whether each group has such parameters of its own."""
        return bool(self.design.groups) and what not in self.spec.equal_across_groups

    def let(self, positions: Addresses, addresses: Addresses) -> None:
        """Theta at these positions comes from these addresses."""
        known = positions != NOTHING
        self.theta[positions[known]] = np.broadcast_to(addresses, positions.shape)[known]

    def later(self, write: Callable[[], None]) -> None:
        """Write something once every part has added its random variables."""
        self._later.append(write)

    def in_first_sds(self, numbers: Addresses, measures: Sequence[int] | slice = slice(None)) -> Addresses:
        """SDs or means in SDs of the first wave: priors treat normal measures and linear predictors alike."""
        return numbers if self.first_sds is None else self.writer.multiply(numbers, self.first_sds[measures])

    @property
    def is_latent(self) -> npt.NDArray[np.bool_]:
        """Which measures have a family other than the normal."""
        return np.array([name in self.spec.random_families for name in self.spec.measures])

    def normal_measures(self) -> str:
        """The dim of the measures that are normal."""
        return self.dim(
            "normal_measure", [name for name in self.spec.measures if name not in self.spec.random_families]
        )


def pairs(names: Sequence[str]) -> tuple[str, ...]:
    """Labels of the partial correlations of a matrix, row by row."""
    return tuple(f"{names[column]}, {names[row]}" for row in range(len(names)) for column in range(row))


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
