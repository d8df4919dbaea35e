"""Sections that model files of every kind have."""

from typing import Annotated, Any

from pydantic import Field

from ..basics.declared import Column, Count, Declared, Seed, Table, Text
from ..posterior.settings import MOST

__all__ = ["FORMAT", "Head", "PersonAndTime", "SamplingOfChains", "SamplingWithWarmUp", "Tables"]

FORMAT = 1
type Tables = list[Table]


def _at_most(setting: str) -> Any:
    return Field(le=MOST[setting], description=f"a whole number above 0, at most {MOST[setting]:,}")


class Head(Declared):
    """The sections of a model file."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT, description=f"the number {FORMAT}")]
    title: Text
    panel: Table = Field(description="a section, [panel]")
    columns: Table = Field({}, description="a section, [columns]")
    model: Table = Field(description="a section, [model]")
    sampling: Table = Field({}, description="a section, [sampling]")


class PersonAndTime(Declared):
    """Columns of a data frame with one row per person and time."""

    person: Column
    time: Column


class SamplingOfChains(Declared):
    """How a posterior is drawn from."""

    draws: Annotated[Count, _at_most("draws")] | None = None
    chains: Annotated[Count, _at_most("chains")] | None = None
    seed: Seed | None = None


class SamplingWithWarmUp(SamplingOfChains):
    """How a posterior is sampled by a sampler that warms up."""

    tune: Annotated[Count, _at_most("tune")] | None = None
