"""Tables of a file, read by their declaration: a section is a class of `Declared` whose fields are its keys.

All problems of a table are reported at once, in the words of the declaration.
"""

from collections.abc import Mapping
from copy import copy
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, create_model
from pydantic.fields import FieldInfo

from .given import LARGEST_SEED, SEED, shown
from .names import choices, did_you_mean, quoted
from .problems import Problems

__all__ = [
    "Certainty",
    "Column",
    "Count",
    "Declared",
    "Listed",
    "Margin",
    "Measure",
    "Measures",
    "Name",
    "Path",
    "Paths",
    "Positive",
    "Seed",
    "Table",
    "Text",
    "Texts",
    "read",
    "read_partly",
]

type Table = dict[str, Any]
type Listed[Entry] = Annotated[tuple[Entry, ...], Strict(False)]
"""A list of a file, kept as a tuple; its entries are as strict as elsewhere."""

Name = Annotated[str, Field(min_length=1)]
Text = Annotated[Name, Field(description="a text")]
Texts = Annotated[Listed[Name], Field(min_length=1, description="a list of texts")]
Column = Annotated[Name, Field(description="the name of a column")]
Measure = Annotated[Name, Field(description="the name of a measure")]
Measures = Annotated[
    Listed[Name], Field(min_length=2, description="a list of two or more names, such as ['alliance', 'days']")
]
Path = Annotated[Name, Field(description="a path, such as 'x -> y'")]
Paths = Annotated[Listed[Name], Field(min_length=1, description="a list of paths, such as ['x -> y']")]
Count = Annotated[int, Field(ge=1, description="a whole number above 0")]
Seed = Annotated[
    int, Field(ge=0, le=LARGEST_SEED, description=f"{SEED} and below 2^63, of which any small one will do")
]
Positive = Annotated[float, Field(gt=0, description="a number above 0")]
Margin = Annotated[float, Field(gt=0, lt=1, description="a number between 0 and 1")]
Certainty = Annotated[float, Field(gt=0.5, lt=1, description="a number between 0.5 and 1")]


WORDS: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class Declared(BaseModel):
    """A section of a file: a key for each field, whose description or type says what it may hold.

    Numbers, texts and truth values are never turned into each other, and unknown keys are refused.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        for key in cls.model_fields:
            _expected(cls, key)  # a key without words is a mistake of the declaration, not of a file

    def given(self, *apart: str) -> dict[str, Any]:
        """The keys that the table has, without some, with their values; functions fill in their own defaults."""
        names = (name for name in type(self).model_fields if name in self.model_fields_set and name not in apart)
        return {name: getattr(self, name) for name in names}


def read[Section: Declared](declared: type[Section], table: object, where: str, problems: Problems) -> Section | None:
    """Read a table without its wrong keys; None where a required key is missing or wrong. All problems are noted.

    The section has its wrong keys as if they were missing; it is None where a required one is missing or wrong. Every
    problem begins with `where`, such as "[panel]". A validator of a field may raise a ValueError with the end of a
    sentence that begins with section and key, or with nothing where the field's description is enough. Rules about
    several keys are checked by the caller: a validator of the class would hide problems of single keys.

    Examples
    --------
    >>> class Panel(Declared):
    ...     person: Column
    ...     measures: Measures
    >>> problems = Problems("clinic.toml cannot be used")
    >>> read(Panel, {"peron": "id", "measures": ["alliance", 3]}, "[panel]", problems)
    >>> for problem in problems.found:
    ...     print(problem)
    [panel] has no key 'peron'; did you mean 'person'? Keys: 'person', 'measures'.
    [panel] measures must be a list of two or more names, such as ['alliance', 'days']; got ['alliance', 3].
    [panel] needs 'person': the name of a column.
    """
    section = read_partly(declared, table, where, problems)
    needed = {name for name, field in declared.model_fields.items() if field.is_required()}
    return section if needed <= section.model_fields_set else None


def read_partly[Section: Declared](declared: type[Section], table: object, where: str, problems: Problems) -> Section:
    """As `read`, but a required key that is missing or wrong is None.

    A table that is None is a missing section, which is a problem already.
    """
    if table is None:
        return _with_gaps(declared, {})
    if not isinstance(table, Mapping):
        problems.add(
            f"{where or 'It'} must be a table with the keys {quoted(declared.model_fields)}; got {shown(table)}."
        )
        return _with_gaps(declared, {})
    try:
        return declared.model_validate(dict(table))
    except ValidationError as error:
        wrong = {str(details["loc"][0]): details for details in error.errors(include_url=False)}
    for key in [key for key in table if key in wrong]:
        problems.add(_sentence(declared, key, table[key], where, wrong[key]))
    for key in [key for key in wrong if key not in table]:
        needs = f"{where} needs '{key}'" if where else f"'{key}' is missing"
        problems.add(f"{needs}: {_expected(declared, key)}.")
    return _with_gaps(declared, {key: value for key, value in table.items() if key not in wrong})


def _sentence(declared: type[Declared], key: str, value: object, where: str, error: Any) -> str:
    subject = f"{where} {key}".strip()
    match error["type"]:
        case "extra_forbidden":
            known = choices(key, declared.model_fields, "Keys")
            return f"{where or 'There'} {'has' if where else 'is'} no key '{key}'{known}"
        case "value_error" if str(error["ctx"]["error"]):
            return f"{subject} {error['ctx']['error']}"
        case _:
            near = did_you_mean(value, _words(declared.model_fields[key].annotation)) if isinstance(value, str) else ""
            return f"{subject} must be {_expected(declared, key)}; got {shown(value)}{near or '.'}"


def _expected(declared: type[Declared], key: str) -> str:
    field = declared.model_fields[key]
    return field.description or _in_words(field.annotation)


def _words(annotation: Any) -> tuple[Any, ...]:
    """The words that an annotation allows."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for part in get_args(annotation) for word in _words(part))


def _in_words(annotation: Any) -> str:
    """What an annotation may hold: its description, or what follows from its type."""
    described = [note.description for note in getattr(annotation, "__metadata__", ()) if isinstance(note, FieldInfo)]
    if words := [text for text in described if text]:
        return words[-1]
    if get_origin(annotation) is Literal:
        return f"one of {quoted(get_args(annotation))}"
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_in_words(part) for part in get_args(annotation) if part is not NoneType)
    return WORDS[annotation]


def _with_gaps[Section: Declared](declared: type[Section], good: dict[str, Any]) -> Section:
    """The section of its good keys, with None for those that must be there and are not."""
    section: Section = _of_gaps(declared).model_validate(good)
    return section


@cache
def _of_gaps(declared: type[Declared]) -> Any:
    gaps: dict[str, Any] = {}
    for name, field in declared.model_fields.items():
        if field.is_required():
            gap = copy(field)
            gap.default = None
            gaps[name] = (field.annotation, gap)
    return create_model(declared.__name__, __base__=declared, **gaps)
