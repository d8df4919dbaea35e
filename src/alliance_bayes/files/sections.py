"""Sections that model files of every kind have."""

from typing import Annotated, Any

from pydantic import Field

from ..basics.declared import Column, Count, Declared, Seed, Table, Text
from ..basics.names import quoted
from ..posterior.settings import MOST
from ..spec.mapping import KINDS as MODELS

__all__ = [
    "ASSOCIATION",
    "A_KIND",
    "CAUSAL_ORDER",
    "FORMAT",
    "KINDS",
    "Head",
    "PersonAndTime",
    "SamplingOfChains",
    "SamplingWithWarmUp",
    "Tables",
]

FORMAT = 1
CAUSAL_ORDER, ASSOCIATION = "causal_order", "association"
KINDS = (*MODELS, CAUSAL_ORDER, ASSOCIATION)
"""What ``kind`` in the section [model] may be."""
A_KIND: Any = Field(description=f"one of {quoted(KINDS)}")

type Tables = list[Table]


def _at_most(setting: str) -> Any:
    return Field(le=MOST[setting], description=f"a whole number above 0, at most {MOST[setting]:,}")


class Head(Declared):
    """The sections of a model file."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT, description=f"the number {FORMAT}")]
    title: Text
    panel: Table = Field(description="a section, [panel]")
    model: Table = Field(description="a section, [model]")
    columns: Table = Field({}, description="a section, [columns]")
    sampling: Table = Field({}, description="a section, [sampling]")


class PersonAndTime(Declared):
    """Columns of a data frame with one row per person and time."""

    person: Column
    time: Column


Draws = Annotated[Count, _at_most("draws")]
Chains = Annotated[Count, _at_most("chains")]


class SamplingOfChains(Declared):
    """How a posterior is drawn from."""

    draws: Draws | None = None
    chains: Chains | None = None
    seed: Seed | None = None


class SamplingWithWarmUp(Declared):
    """How a posterior is sampled by a sampler that warms up."""

    draws: Draws | None = None
    tune: Annotated[Count, _at_most("tune")] | None = None
    chains: Chains | None = None
    seed: Seed | None = None
