"""Sections that model files of every kind have."""

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ..basics.declared import Column, Count, Declared, Listed, Name, Seed, Table, Text
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
    "Reading",
    "SamplingOfChains",
    "SamplingWithWarmUp",
    "Tables",
    "reading_of",
]

FORMAT = 1
CAUSAL_ORDER, ASSOCIATION = "causal_order", "association"
KINDS = (*MODELS, CAUSAL_ORDER, ASSOCIATION)
"""What ``kind`` in the section [model] may be."""
A_KIND: Any = Field(description=f"one of {quoted(KINDS)}")

type Tables = list[Table]


Code = int | float | str


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError("") from None
    return name


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


class Reading(Declared):
    """How data are read, whatever is fitted to them."""

    missing: (
        Annotated[Listed[Code], Field(min_length=1)]
        | Annotated[dict[str, Annotated[Listed[Code], Field(min_length=1)] | Code], Field(min_length=1)]
        | None
    ) = Field(None, description="a list of numbers and texts, such as [-99, 'NA'], or such lists by column")
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="one character, such as ';'"
    )
    encoding: Annotated[Name, AfterValidator(_known_encoding)] | None = Field(
        None, description="the name of an encoding, such as 'latin-1'"
    )
    decimal: Literal[".", ","] | None = Field(None, description="'.' or ','")


def reading_of(section: Reading) -> dict[str, Any]:
    """The given keys of how data are read, tables of codes as lists."""
    given = section.given(*(set(type(section).model_fields) - set(Reading.model_fields)))
    if isinstance(missing := given.get("missing"), dict):
        given["missing"] = {name: (codes if isinstance(codes, tuple) else (codes,)) for name, codes in missing.items()}
    return given


class PersonAndTime(Reading):
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
