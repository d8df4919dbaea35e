"""A program being written over the parameters of a model."""

from functools import cached_property

from ..spec.cross_lagged import CrossLagged
from .design import Design
from .keys import Key
from .parameters import Addresses, ParameterTable
from .program import Writer

__all__ = ["Workspace"]


class Workspace:
    """A program being written, and where the parameters of a model stand among its inputs."""

    def __init__(self, table: ParameterTable, writer: Writer) -> None:
        self.table, self.writer = table, writer
        self.spec: CrossLagged = table.spec
        self.design: Design = table.design

    @cached_property
    def lags(self) -> str:
        """How lagged effects depend on the interval."""
        return self.spec.lags_for(self.design.times)

    def at(self, key: Key, group: int, occasion: int | None = None) -> Addresses:
        """Addresses of an array of parameters, `NOTHING` for what is fixed at 0."""
        return self.table.at(key, group, occasion)
