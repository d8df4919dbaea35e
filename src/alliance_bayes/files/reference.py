"""The reference of model files, as JSON schema and as a page, made of the types that read them and their docstrings."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints

from ..basics.declared import Declared
from ..basics.distributions import DISTRIBUTIONS, Prior
from ..basics.names import in_words, number
from ..causal.bambi_fit import fit_by_bambi
from ..families.cut_points import InducedDirichlet
from ..families.family import ResponseFamily
from ..families.registry import FAMILIES
from ..panel.panel import Panel
from ..posterior.sampling import fit
from ..questions.association import association
from ..questions.counterfactual_plan import MonteCarlo
from ..questions.registry import Question, Subject, questions
from ..simulation import Truth
from ..spec.association import RandomInterceptRegression
from ..spec.mapping import KINDS as MODELS
from ..spec.models import RICLPM
from ..spec.occurrence import Selection, State
from ..spec.priors import Priors
from .columns import DerivedColumn
from .kinds import association as associations, causal_order, panel_model
from .questions import CAUSAL, PANEL, QuestionHead
from .sections import ASSOCIATION, CAUSAL_ORDER, SamplingOfChains, SamplingWithWarmUp

__all__ = ["Section", "page", "schema", "sections"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MODEL_OPTIONS = {
    option.name: option for model in MODELS.values() for option in fields(model) if option.name != "priors"
}
ENTRY = re.compile(r"^([a-z_0-9]+(?:, [a-z_0-9]+)*)$")
RULE = re.compile(r"^-{3,}$")
OPTION = re.compile(r"(?<=`)([a-z_0-9]+)=(?=[\"\[{])")
"""Keywords of Python, which are keys of a file."""


@dataclass(frozen=True)
class Key:
    """One key of a section.

    Attributes
    ----------
    name, meaning, default
        Its name, what it means, and its default in words; empty where it has none.
    holds
        What it may hold, in words.
    needed
        Whether a section is refused without it.
    schema
        What it may hold, as JSON schema.
    """

    name: str
    holds: str
    meaning: str
    default: str
    needed: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A section of a model file: how it is written, what it is about, its keys."""

    head: str
    about: str
    keys: tuple[Key, ...]


def documented(owner: Any) -> dict[str, str]:
    """Name of each parameter or attribute to what the docstring says of it, on one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    lines = (inspect.getdoc(owner) or "").splitlines()
    for position, line in enumerate(lines):
        if RULE.match(line) or (position + 1 < len(lines) and RULE.match(lines[position + 1])):
            names = []
        elif match := ENTRY.match(line):
            names = match[1].split(", ")
        elif line.startswith("    ") and names:
            for name in names:
                found[name] = f"{found.get(name, '')} {OPTION.sub(r'\1 = ', line.strip())}".strip()
        elif line.strip():
            names = []
    return found


def summary_of(owner: Any) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(owner) or "").split("\n\n")[0].replace("\n", " ")


# ---- types as JSON schema ----


def of_hint(hint: Any) -> dict[str, Any]:
    """JSON schema of an annotation of a dataclass."""
    origin, inside = get_origin(hint), get_args(hint)
    if isinstance(hint, TypeAliasType):
        return of_hint(hint.__value__)
    if origin is Annotated:
        return of_hint(inside[0])
    if origin is Literal:
        return {"enum": list(inside)}
    if origin in (Union, UnionType):
        parts = [of_hint(part) for part in inside if part is not NoneType]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    if origin in (Sequence, list, tuple):
        return {"type": "array", "items": of_hint(inside[0])}
    if origin in (Mapping, dict):
        return {"type": "object", "additionalProperties": of_hint(inside[1])}
    if isinstance(hint, type):
        return of_class(hint)
    return {}


def of_class(kind: type) -> dict[str, Any]:
    """JSON schema of a class."""
    simple = {str: "string", bool: "boolean", int: "integer", float: "number"}
    if kind in simple:
        return {"type": simple[kind]}
    if kind is InducedDirichlet:
        return table_of({InducedDirichlet.word: {"type": "number"}}, [InducedDirichlet.word])
    if kind in DISTRIBUTIONS.values():
        return prior_schema(kind)
    if kind is ResponseFamily:
        words = {"enum": list(FAMILIES)}
        return {"anyOf": [words, *({"$ref": f"#/$defs/family_{word}"} for word in FAMILIES)]}
    if kind in (State, Selection):
        return {"$ref": f"#/$defs/{kind.__name__.lower()}"}
    return {}


def prior_schema(kind: type) -> dict[str, Any]:
    """JSON schema of a prior: its word, and a number or a list of its numbers."""
    names = [option.name for option in fields(kind)]
    many = {"type": "array", "items": {"type": "number"}, "minItems": len(names), "maxItems": len(names)}
    value = many if len(names) > 1 else {"anyOf": [{"type": "number"}, many]}
    word: str = kind.word  # type: ignore[attr-defined]
    return table_of({word: value}, [word])


def table_of(properties: Mapping[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    """JSON schema of a table with these keys alone."""
    table: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return table | ({"required": list(required)} if required else {})


WORDS = {
    "string": ("a text", "texts"),
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "truth values"),
}


def holds_of(schema: Mapping[str, Any], *, several: bool = False) -> str:
    """What a JSON schema allows, in words, of one value or of several."""
    if "enum" in schema:
        return f"{'words of' if several else 'one of'} {', '.join(map(_shown, schema['enum']))}"
    if "anyOf" in schema:
        if any("$ref" in part for part in schema["anyOf"]):
            return "families, the word of each or a section as below" if several else "a family"
        return " or ".join(dict.fromkeys(holds_of(part, several=several) for part in schema["anyOf"]))
    if "$ref" in schema:
        return "sections as below" if several else "a section as below"
    kind = schema.get("type")
    if kind == "array":
        return f"{'lists' if several else 'a list'} of {holds_of(schema.get('items', {}), several=True)}"
    if kind == "object" and schema.get("properties"):
        return f"a prior, {{ {next(iter(schema['properties']))} = ... }}"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return f"a table from names to {holds_of(inside, several=True)}" if inside else "a table"
    return WORDS[kind][several] if kind in WORDS else "a value"


def _shown(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else str(value).lower()


# ---- sections ----


def of_declared(
    head: str, about: str, declared: type[Declared], meanings: Mapping[str, str], apart: Sequence[str] = ()
) -> Section:
    """A section that is a class of `Declared`."""
    whole = declared.model_json_schema()
    definitions = whole.get("$defs", {})
    keys = []
    for name, option in declared.model_fields.items():
        if name in apart:
            continue
        schema = without_refs(whole["properties"][name], definitions)
        given = option.default if not option.is_required() else None
        keys.append(
            Key(
                name=name,
                holds=schema.pop("description", "") or holds_of(schema),
                meaning=meanings.get(name, ""),
                default=_default(given),
                needed=option.is_required(),
                schema={key: part for key, part in schema.items() if key not in ("title", "default")},
            )
        )
    return Section(head, about, tuple(keys))


def without_refs(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A JSON schema with what it refers to in its place, and without null, which TOML does not have."""
    if isinstance(schema, list):
        return [without_refs(part, definitions) for part in schema if part != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return without_refs({**target, **{key: part for key, part in schema.items() if key != "$ref"}}, definitions)
    found = {key: without_refs(part, definitions) for key, part in schema.items()}
    if len(found.get("anyOf", ())) == 1:
        (only,) = found.pop("anyOf")
        found = {**only, **found}
    return found


def of_dataclass(
    head: str, about: str, options: Mapping[str, "Field[Any]"], hints: Mapping[str, Any], meanings: Mapping[str, str]
) -> Section:
    """A section whose keys are fields of dataclasses."""
    keys = []
    for name, option in options.items():
        schema = of_default(option) or of_hint(hints.get(name, Any))
        default = option.default if option.default is not MISSING else None
        needed = option.default is MISSING and option.default_factory is MISSING
        keys.append(Key(name, holds_of(schema), meanings.get(name, ""), _default(default), needed, schema))
    return Section(head, about, tuple(keys))


def of_default(option: "Field[Any]") -> dict[str, Any] | None:
    """The schema of an option whose default is a prior, which takes priors of that kind."""
    if isinstance(option.default, Prior | InducedDirichlet):
        hinted = of_hint(option.type) if not isinstance(option.type, str) else {}
        return hinted or of_class(type(option.default))
    return None


def _default(value: Any) -> str:
    match value:
        case None | () | "":
            return ""
        case bool() | str():
            return f"`{value if isinstance(value, str) else str(value).lower()}`"
        case int() | float():
            return f"`{number(value)}`"
        case tuple() | list():
            return f"`[{', '.join(map(str, value))}]`"
        case _:
            return "" if value == {} else f"`{value}`"


def options_of(kind: type) -> dict[str, "Field[Any]"]:
    """The fields of a dataclass by name."""
    assert is_dataclass(kind)
    return {option.name: option for option in fields(kind)}


def sections(subject: Subject) -> Iterator[Section]:
    """The sections of one kind of file, questions last."""
    if subject == PANEL:
        yield from _of_panels()
    elif subject == CAUSAL:
        yield from _of_regimes()
    else:
        yield from _of_associations()
    head = {"name": "Name of its answer.", "people": "Covariates set before the simulation, for other people."}
    apart = () if subject == CAUSAL else ("people",)
    for question in questions(subject).values() if subject != "associations" else ():
        yield of_question(question, head, apart)


def of_question(question: Question[Any, Any], head: Mapping[str, str], apart: Sequence[str]) -> Section:
    """The keys of a question, by the docstring of the function that answers it."""
    import alliance_bayes as ab

    function = getattr(ab, question.name, None) or getattr(ab.Fit, question.name)
    meanings = {"group": "The group that is asked about.", "between": "The measures whose direction is in question."}
    meanings |= documented(ab.robustness_variants) if question.name == "robustness" else {}
    meanings |= documented(function)
    first = of_declared("", "", QuestionHead, head, apart).keys
    own = of_declared("", "", question.arguments, meanings).keys
    ask = Key("ask", f"`{question.name}`", "Which question.", "", True, {"const": question.name})
    return Section(f'[[question]] ask = "{question.name}"', summary_of(function), (ask, *first, *own))


def of_sampling(about: str, declared: type[Declared], function: Callable[..., Any]) -> Section:
    """The section [sampling], whose keys are arguments of the function that samples, with its defaults."""
    section = of_declared("[sampling]", about, declared, documented(function))
    arguments = inspect.signature(function).parameters
    defaults = {name: each.default for name, each in arguments.items() if each.default is not each.empty}
    return replace(section, keys=tuple(replace(key, default=_default(defaults.get(key.name))) for key in section.keys))


def _columns() -> Section:
    return of_declared("[columns]", "Columns made of others, each a table.", DerivedColumn, documented(DerivedColumn))


def _of_panels() -> Iterator[Section]:
    of_long = documented(Panel.from_wide) | documented(Panel.from_long)
    of_long |= {"measures": f"{of_long['measures']} With one row per person a table from measures to their columns."}
    hints = {name: hint for model in MODELS.values() for name, hint in get_type_hints(model).items()}
    kind = Key("kind", f"one of {', '.join(map(_shown, MODELS))}", "Which model.", "", True, {"enum": list(MODELS)})
    yield of_declared("(top of the file)", "Written above all sections.", panel_model.PanelHead, {})
    yield of_declared("[panel]", summary_of(panel_model.PanelSection), panel_model.PanelSection, of_long)
    yield _columns()
    of_models = of_dataclass("[model]", "What is fitted.", MODEL_OPTIONS, hints, documented(RICLPM))
    noted = [_with_kinds(key) for key in of_models.keys]
    yield Section(of_models.head, of_models.about, (kind, *noted))
    for word, family in FAMILIES.items():
        found = of_dataclass("", "", options_of(family), get_type_hints(family), documented(family))
        ask = Key("family", f"`{word}`", "Which family.", "", True, {"const": word})
        yield Section(f'[model.families.MEASURE] family = "{word}"', summary_of(family), (ask, *found.keys))
    for occurrence, head in ((State, "[model.state]"), (Selection, "[[model.selection]]")):
        options = options_of(occurrence)
        yield of_dataclass(head, summary_of(occurrence), options, get_type_hints(occurrence), documented(occurrence))
    yield of_dataclass("[priors]", summary_of(Priors), options_of(Priors), get_type_hints(Priors), documented(Priors))
    yield of_sampling("How the posterior is sampled.", panel_model.PanelSampling, fit)
    truth = {name: option for name, option in options_of(Truth).items() if name != "spec"}
    found = of_dataclass("[truth]", summary_of(Truth), truth, {}, documented(Truth))
    times = {"times": "Those of the panel where they are left open."}
    keys = [replace(key, meaning=times.get(key.name, key.meaning), needed=False) for key in found.keys]
    groups = Key("groups", "a table", "Label of each group to what is true in it alone.", "", False, {"type": "object"})
    yield Section(found.head, found.about, (*keys, groups))


def _with_kinds(key: Key) -> Key:
    """A key of [model], with `measures` as a default of the panel's, and the kinds of models that have it."""
    having = [kind for kind, model in MODELS.items() if key.name in options_of(model)]
    note = "" if len(having) == len(MODELS) else f" Of {in_words([f'`{kind}`' for kind in having])}."
    needed = key.needed and key.name != "measures"
    return replace(key, meaning=f"{key.meaning}{note}".strip(), needed=needed)


def _of_regimes() -> Iterator[Section]:
    declared = causal_order
    meanings = documented(declared.CausalRegressions)
    yield of_declared("(top of the file)", "Written above all sections.", declared.CausalHead, {})
    yield of_declared("[panel]", summary_of(declared.CausalPanel), declared.CausalPanel, documented(Panel.from_long))
    yield _columns()
    yield of_declared("[model]", summary_of(declared.CausalModel), declared.CausalModel, meanings)
    yield of_declared(
        "[[regression]]", summary_of(declared.RegressionSection), declared.RegressionSection,
        documented(causal_order.CausalRegression),
    )  # fmt: skip
    yield of_declared("[simulation]", summary_of(declared.Simulation), declared.Simulation, documented(MonteCarlo))
    yield of_sampling("How each regression is sampled.", SamplingWithWarmUp, fit_by_bambi)


def _of_associations() -> Iterator[Section]:
    meanings = documented(Panel.from_long) | documented(RandomInterceptRegression)
    declared = associations
    yield of_declared("(top of the file)", "Written above all sections.", declared.AssociationHead, {})
    yield of_declared("[panel]", summary_of(declared.AssociationPanel), declared.AssociationPanel, meanings)
    yield _columns()
    yield of_declared("[model]", summary_of(declared.AssociationModel), declared.AssociationModel, meanings)
    yield of_declared(
        "[[regression]]", summary_of(declared.AssociationRegression), declared.AssociationRegression, meanings
    )
    yield of_sampling("How posteriors are drawn.", SamplingOfChains, association)


# ---- the schema and the page ----

SUBJECTS: dict[Subject, tuple[str, tuple[str, ...]]] = {
    PANEL: ("Models of a panel", tuple(MODELS)),
    CAUSAL: ("Regressions in causal order", (CAUSAL_ORDER,)),
    "associations": ("Associations at the same time", (ASSOCIATION,)),
}


def schema() -> dict[str, Any]:
    """JSON schema of model files of every kind, by the ``kind`` in [model].

    It says which keys there are and what each may hold; rules about several keys are those of the reader.
    """
    definitions: dict[str, Any] = {}
    by_kind = []
    for subject, (title, kinds) in SUBJECTS.items():
        by_kind.append(
            {
                "if": {"properties": {"model": {"properties": {"kind": {"enum": list(kinds)}}, "required": ["kind"]}}},
                "then": {"title": title, **_file_schema(list(sections(subject)), definitions)},
            }
        )
    every = [kind for _, kinds in SUBJECTS.values() for kind in kinds]
    model = {"type": "object", "properties": {"kind": {"enum": every}}, "required": ["kind"]}
    return {
        "$schema": DRAFT,
        "title": "Model file of alliance_bayes",
        "type": "object",
        "properties": {"model": model},
        "required": ["format", "title", "panel", "model"],
        "allOf": by_kind,
        "$defs": definitions,
    }


def _file_schema(found: Sequence[Section], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one kind of file; tables that are referred to are added to the definitions."""
    top, *others = found
    properties = {key.name: {"description": key.holds, **key.schema} for key in top.keys}
    asked = []
    for section in others:
        table = _table_schema(section)
        if section.head.startswith("[[question]]"):
            asked.append(table)
        elif section.head.startswith("[model.families"):
            definitions[f"family_{section.keys[0].schema['const']}"] = table
        elif section.head in ("[model.state]", "[[model.selection]]"):
            definitions[section.head.strip("[]").partition(".")[2]] = table
        elif section.head == "[columns]":
            properties["columns"] = {"type": "object", "additionalProperties": table}
        elif section.head.startswith("[["):
            properties[section.head.strip("[]")] = {"type": "array", "items": table, "minItems": 1}
        else:
            properties[section.head.strip("[]")] = table
    if asked:
        properties["question"] = {"type": "array", "items": {"anyOf": asked}}
    return table_of(properties, [key.name for key in top.keys if key.needed])


def _table_schema(section: Section) -> dict[str, Any]:
    keys = {
        key.name: {**key.schema, "description": f"{key.holds}. {key.meaning}".removesuffix(". ")}
        for key in section.keys
    }
    return table_of(keys, [key.name for key in section.keys if key.needed]) | {"description": section.about}


def page() -> str:
    """The reference as a page of Markdown."""
    lines = [
        "# Model files",
        "",
        "Made by `make reference` from the types that read model files; edit those. Editors complete and check keys by",
        "`docs/model_file.schema.json`: write `#:schema PATH/model_file.schema.json` into the first line of a file.",
        "`alliance-bayes init DATA` writes a first file for some data; `models/` has files to copy.",
    ]
    for subject, (title, kinds) in SUBJECTS.items():
        lines += ["", f"## {title}", "", f"`kind` in `[model]` is {', '.join(map(_shown, kinds))}."]
        for section in sections(subject):
            lines += ["", f"### `{section.head}`" if section.head.startswith("[") else f"### {section.head}", ""]
            lines += [section.about] if section.about else []
            lines += [""] + [_line(key) for key in section.keys]
    return "\n".join(lines) + "\n"


def _line(key: Key) -> str:
    needed = ", needed" if key.needed else f", default {key.default}" if key.default else ""
    meaning = f": {key.meaning}" if key.meaning else ""
    return f"- **`{key.name}`** ({key.holds}{needed}){meaning}"
