"""What the arguments of a public call may be: one check at the door of every public function and constructor.

The annotations of a function say what each argument is, and this check holds a call against them: models, panels, fits,
texts, finite numbers, lists, tables, paths and functions. In which range a number must lie, and which words there are,
the function itself checks. Arguments that are missing, unknown or too many are answered in words, with the signature.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from importlib import import_module
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
import pandas as pd

from .given import Numbers, is_number, is_whole, shown
from .names import did_you_mean, in_words, quoted
from .problems import AllianceBayesError, Problems, SpecError

__all__ = ["answering_in_words", "checked"]

PACKAGE = "alliance_bayes"
MADE = {
    "CrossLagged": "a model, such as ab.RICLPM(['x', 'y'])",
    "Panel": "a panel, such as ab.Panel.from_long(...)",
    "Fit": "a fit, such as ab.fit(spec, panel, seed=1) or ab.load_fit(path)",
    "Posterior": "a fit, such as ab.fit(spec, panel, seed=1) or ab.load_fit(path), or ab.preview(spec, panel)",
    "Answer": "an answer, such as ab.directionality(...) or ab.mediation(...)",
    "MaximumLikelihood": "ab.maximum_likelihood(spec, panel)",
    "CausalOrder": "ab.CausalOrder(...) or ab.causal_order(fit)",
    "Truth": "a truth, ab.Truth(...)",
    "GroupTruth": "ab.GroupTruth(...)",
    "DataFrame": "a data frame",
    "ndarray": "an array",
}
NOUNS = {"CrossLagged": "model", "Panel": "panel", "Fit": "fit", "Posterior": "fit", "DataFrame": "data frame"}
PLURALS = {"CrossLagged": "models", "Panel": "panels", "Fit": "fits", "MaximumLikelihood": "ab.maximum_likelihood(...)"}


def checked[Called: Callable[..., Any]](
    kind: type[AllianceBayesError] = SpecError, *, apart: Iterable[str] = (), outside: Iterable[str] = ()
) -> Callable[[Called], Called]:
    """Decorator that holds the arguments of a public function, or of a constructor, against their annotations.

    Errors are of this `kind`. The function itself checks the arguments `apart`, and the entries of those `outside`.
    """

    def decorate(called: Called) -> Called:
        if isinstance(called, type):
            called.__init__ = _checked(called.__init__, called.__name__, kind, set(apart), set(outside))  # type: ignore[misc]
            return called
        return cast(Called, _checked(called, called.__qualname__, kind, set(apart), set(outside)))

    return decorate


def _checked(called: Any, name: str, kind: type[AllianceBayesError], apart: set[str], outside: set[str]) -> Any:
    signature = inspect.signature(called)

    @lru_cache(maxsize=1)
    def all_hints() -> Mapping[str, "_Hint"]:
        several = inspect.Parameter.VAR_POSITIONAL
        return {
            argument: _Hint(
                hint, deep=argument not in outside, one_by_one=signature.parameters[argument].kind is several
            )
            for argument, hint in _hints_of(called, signature).items()
        }

    @lru_cache(maxsize=1)
    def hints() -> Mapping[str, "_Hint"]:
        return {argument: hint for argument, hint in all_hints().items() if argument not in apart}

    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        expected = hints()
        try:
            given: Mapping[str, Any] = signature.bind(*args, **kwargs).arguments
            unbound: list[str] = []
        except TypeError:
            given, unbound = _bound(signature, args, kwargs, expected)
        wrong = {
            argument: value
            for argument, value in given.items()
            if argument in expected and not expected[argument].fits(value)
        }
        if wrong or unbound:
            problems = _problems(f"ab.{name}", given, wrong, expected)
            problems.found += [
                _sentence(argument, given[argument], hint)
                for argument, hint in all_hints().items()
                if argument in apart and argument in given and hint.is_number and not hint.fits(given[argument])
            ]
            problems.found += unbound
            if unbound:
                problems.found[-1] += f" Its arguments: {_written(name, signature)}"
            problems.raise_as(kind)
        return called(*args, **kwargs)

    return call


def answering_in_words[Made](kind: type[Made]) -> type[Made]:
    """Let a class that checks its values itself answer missing, unknown and surplus arguments in words."""
    made = vars(kind).get("__init__")
    if not inspect.isfunction(made) or hasattr(made, "__wrapped__"):
        return kind
    signature = inspect.signature(made)

    @wraps(made)
    def initialise(*args: Any, **kwargs: Any) -> None:
        try:
            made(*args, **kwargs)
        except TypeError:
            _, unbound = _bound(signature, args, kwargs, {})
            if not unbound:
                raise
            problems = Problems(f"ab.{kind.__name__} cannot use these arguments")
            problems.found = unbound
            problems.found[-1] += f" Its arguments: {_written(kind.__name__, signature)}"
            raise SpecError(str(problems), problems.found) from None

    kind.__init__ = initialise  # type: ignore[method-assign]
    return kind


def _bound(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], expected: Mapping[str, "_Hint"]
) -> tuple[dict[str, Any], list[str]]:
    """What was given, of a call that cannot be bound, and sentences on what is missing, unknown or too much."""
    parameters = signature.parameters.values()
    by_position = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    several = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    placed = dict(zip(by_position, args, strict=False))
    named = {name: value for name, value in kwargs.items() if name in signature.parameters}
    given = named | placed
    sentences = [f"{name} is given twice, by its position and by its name." for name in placed if name in named]
    sentences += [
        f"'{name}' is no argument{did_you_mean(name, signature.parameters) or '.'}"
        for name in kwargs
        if name not in signature.parameters
    ]
    if len(args) > len(by_position) and not several:
        surplus = in_words([shown(value) for value in args[len(by_position) :]])
        sentences.append(f"{surplus} {'stands' if len(args) == len(by_position) + 1 else 'stand'} without a name.")
    sentences += [
        f"{each.name} is missing{f'; it must be {expected[each.name].expected}' if each.name in expected else ''}."
        for each in parameters
        if each.default is each.empty and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        if each.name not in given
    ]
    return given, sentences


def _written(name: str, signature: inspect.Signature) -> str:
    """The call as it is written, options with their defaults where these are plain values."""
    parts: list[str] = []
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in parts and not any(part.startswith("*") for part in parts):
            parts.append("*")
        star = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
        plain = isinstance(each.default, str | bool | int | float | tuple | NoneType)
        default = f"={each.default!r}" if plain else "" if each.default is each.empty else "=..."
        if each.name not in ("self", "cls"):
            parts.append(f"{star}{each.name}{default}")
    return f"ab.{name}({', '.join(parts)})"


def _problems(
    name: str, given: Mapping[str, Any], wrong: Mapping[str, Any], expected: Mapping[str, "_Hint"]
) -> Problems:
    problems = Problems(f"{name} cannot use these arguments")
    swapped = [
        (first, second)
        for first, value in wrong.items()
        for second in expected
        if second in given and first != second and expected[second].is_of_package
        if expected[second].fits(value) and expected[first].fits(given[second])
    ]
    for each, value in wrong.items():
        problems.add(_sentence(each, value, expected[each]))
    if swapped:
        order = [each for each in expected if each in swapped[0]]
        problems.found[-1] += f" Write {name}({', '.join(order)}): the {expected[order[0]].noun} comes first."
    return problems


def _sentence(name: str, value: object, hint: "_Hint") -> str:
    if isinstance(value, str) and hint.is_list:
        return f"{name} is the text {shown(value)}; pass a list, {name}=[{shown(value)}]."
    if hint.one_by_one and isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], list | tuple):
        written = ", ".join(map(repr, value[0]))
        return f"{name} stand one after the other, without a list: write {written}; got {shown(value[0])}."
    return f"{name} must be {hint.expected}; got {shown(value)}."


class _Hint:
    """One annotation: what fits it, and what it expects in words."""

    def __init__(self, annotation: Any, *, deep: bool, one_by_one: bool = False) -> None:
        self.annotation, self.deep, self.one_by_one = annotation, deep, one_by_one
        parts = list(_alternatives(annotation))
        self.is_list = any(get_origin(part) in (Sequence, Iterable, list) for part in parts)
        self.is_number = {*parts} <= {int, float, NoneType}
        self.is_of_package = any(isinstance(part, type) and _is_ours(part) for part in parts)
        named = [part for part in parts if isinstance(part, type) and part is not NoneType]
        self.noun = NOUNS.get(named[0].__name__, named[0].__name__) if named else ""

    def fits(self, value: object) -> bool:
        return _fits(value, self.annotation, deep=self.deep)

    @property
    def expected(self) -> str:
        words = list(dict.fromkeys(_in_words(part) for part in _alternatives(self.annotation)))
        words = [word for word in words if word != "None"] + (["None"] if "None" in words else [])
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _is_ours(kind: type) -> bool:
    return kind.__module__.split(".")[0] == PACKAGE


class _PublicNames(dict[str, Any]):
    """Names that annotations use and that their module imports for the type checker alone."""

    def __missing__(self, name: str) -> Any:
        package = sys.modules[PACKAGE]
        if name in package.__all__:
            return getattr(package, name)
        raise KeyError(name)


def _hints_of(called: Any, signature: inspect.Signature) -> dict[str, Any]:
    annotations = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.annotation is not inspect.Parameter.empty
    }
    several = {name for name in annotations if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL}
    scope = dict(vars(import_module(called.__module__)))
    holder = SimpleNamespace(__annotations__=annotations)
    resolved = get_type_hints(holder, globalns=scope, localns=_PublicNames(scope), include_extras=True)
    resolved |= {name: Sequence[resolved[name]] for name in several}  # type: ignore[valid-type]
    return {name: hint for name, hint in resolved.items() if not _is_open(hint)}


def _is_open(hint: Any) -> bool:
    return any(part is Any for part in _alternatives(hint))


def _alternatives(hint: Any) -> Iterator[Any]:
    origin = get_origin(hint)
    if hint in (npt.ArrayLike, Numbers):
        yield hint
    elif isinstance(hint, TypeAliasType):
        yield from _alternatives(hint.__value__)
    elif isinstance(origin, TypeAliasType):  # NDArray[...] and its like
        yield np.ndarray if origin.__name__ == "NDArray" else Any
    elif origin in (Union, UnionType):
        for part in get_args(hint):
            yield from _alternatives(part)
    elif origin is Annotated:
        yield from _alternatives(get_args(hint)[0])
    elif isinstance(hint, TypeVar):
        bounds = hint.__constraints__ or ((hint.__bound__,) if hint.__bound__ else (Any,))
        for part in bounds:
            yield from _alternatives(part)
    else:
        yield NoneType if hint is None else hint


def _fits(value: object, hint: Any, *, deep: bool = True) -> bool:
    return any(_fits_one(value, part, deep) for part in _alternatives(hint))


def _fits_one(value: object, hint: Any, deep: bool) -> bool:
    origin, inside = get_origin(hint), get_args(hint)
    if hint in (Any, object):
        return True
    if hint in (npt.ArrayLike, Numbers):
        return _is_array(value, numbers=hint is Numbers)
    if origin is Literal:
        return isinstance(value, tuple({type(word) for word in inside}))
    if hint in (int, float):
        return is_whole(value) if hint is int else is_number(value)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if origin in (Sequence, Iterable, list):
        return _is_list(value, origin) and (not deep or all(_fits(each, inside[0]) for each in _entries(value)))
    if origin is tuple:
        return isinstance(value, tuple | list) and _fits_tuple(value, inside)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping) and (
            not deep or all(_fits(name, inside[0]) and _fits(each, inside[1]) for name, each in value.items())
        )
    if origin is Callable or hint is Callable:
        return callable(value)
    kind = origin or hint
    if not isinstance(kind, type):
        return True
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol, which only says what an object can do
        return True


def _is_array(value: object, *, numbers: bool) -> bool:
    """Whether this is an array, or lists of equal lengths that make one, of numbers where these are asked for."""
    if value is None or isinstance(value, str | bytes | Mapping | set | frozenset):
        return False
    try:
        array = np.asarray(value)
        if array.dtype == object and numbers:
            array = array.astype(float)
    except (TypeError, ValueError, OverflowError):
        return False
    return array.dtype.kind in "biuf" if numbers else array.ndim > 0


def _is_list(value: object, origin: Any) -> bool:
    """Whether this has entries in an order; an iterable may be without one."""
    if isinstance(value, str | bytes | Mapping):
        return False
    if getattr(value, "ndim", 1) != 1:
        return False
    if origin is not list and isinstance(value, np.ndarray | pd.Series | pd.Index):
        return True
    return isinstance(value, {Iterable: Iterable, Sequence: Sequence, list: list | tuple}[origin])


def _entries(value: Any) -> Iterable[object]:
    """The entries of what can be gone through more than once."""
    return value if isinstance(value, Sequence | set | frozenset | np.ndarray | pd.Series | pd.Index) else ()


def _fits_tuple(value: Sequence[object], inside: tuple[Any, ...]) -> bool:
    if len(inside) == 2 and inside[1] is ...:
        return all(_fits(each, inside[0]) for each in value)
    return len(value) == len(inside) and all(_fits(each, part) for each, part in zip(value, inside, strict=True))


def _in_words(hint: Any, *, many: bool = False) -> str:
    """What an annotation expects, one or several of it."""
    origin, inside = get_origin(hint), get_args(hint)
    words = {str: ("a text", "texts"), bool: ("True or False", "truth values"), NoneType: ("None", "None")}
    words |= {int: ("a whole number", "whole numbers"), float: ("a finite number", "numbers")}
    if hint in words:
        return words[hint][many]
    if origin in (Sequence, Iterable, list, tuple) and inside:
        of = in_words([_in_words(part, many=True) for part in _alternatives(inside[0])])
        return f"{'lists' if many else 'a list'} of {of}"
    if origin in (Mapping, dict):
        names, values = (" or ".join(_in_words(part, many=True) for part in _alternatives(each)) for each in inside)
        return f"{'tables' if many else 'a dict'} from {names} to {values}"
    if origin is Callable or hint is Callable:
        return "functions" if many else "a function"
    if hint in (npt.ArrayLike, Numbers):
        return f"an array{' of numbers' * (hint is Numbers)}, or lists of equal lengths"
    if origin is Literal:
        return f"one of {quoted(inside)}"
    name = getattr(origin or hint, "__name__", str(hint))
    if name == "PathLike":
        return "paths" if many else "a path"
    if many:
        return PLURALS.get(name, name if "." in name else f"ab.{name}")
    return MADE.get(name, f"ab.{name}(...)" if _is_ours(origin or hint) else f"a {name}")
