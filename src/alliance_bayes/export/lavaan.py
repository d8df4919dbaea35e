"""A model in lavaan's syntax."""

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap

from ..basics.calls import checked
from ..basics.names import choices, number, quoted
from ..basics.problems import Problems, SpecError
from ..engine.linear_system import Variable
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .facts import facts_of
from .layout import layout_of
from .names import labels, long_names, renamed
from .rendering import number_in_full, product, wrapped
from .statements import Entry, Equation, Layout

__all__ = ["lavaan_syntax", "to_lavaan"]

WIDTH = 100
OPERATORS = {"loading": "=~", "effect": "~", "covariance": "~~"}


@checked(apart=["panel"])
def to_lavaan(
    spec: CrossLagged, panel: Panel | Sequence[float], *, columns: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Syntax with which lavaan fits a model by maximum likelihood.

    The text goes to ``lavaan()`` [1]_, which adds nothing of its own: every parameter is written out, and whatever is
    not written is 0. Parameters with the same label are equal. The data are one row per person, with columns such as
    ``days_6``, or those of `columns`; the text begins with their names and with the call. Its maximum is that of
    `maximum_likelihood`; the priors of the model have no place in it.

    Parameters
    ----------
    spec
        The model.
    panel
        The panel, or the times of its waves where these say enough: a known reliability, groups, and covariates that
        may vary over time need the panel.
    columns
        Measure (or indicator, or covariate that varies) to its columns in the data, one for each time, in order, as in
        `Panel.from_wide`. A name that R cannot read is replaced, and the text has the line of R that renames it.

    Returns
    -------
    str
        Lines of syntax, with comments.

    Raises
    ------
    SpecError
        If the model is not defined at these times, or if lavaan cannot express a part of it (continuous time, pooled
        lags, approximate invariance, moderated lags, predetermined covariates); with every reason and the nearest model
        that it can fit. If `columns` names something else than the data of the model.

    Notes
    -----
    With a grid, waves that nobody observed are latent variables. A stationary model, and equal standardised lags, need
    constraints among parameters, for which lavaan's optimiser is slower (a minute in place of a second). With equal
    standardised lags the deviations are scaled to variance 1, so that the labels of paths are the standardised effects.
    Means are those where all covariates are 0; `maximum_likelihood` has them at the covariates' means.

    References
    ----------
    .. [1] Rosseel (2012). lavaan: An R package for structural equation modeling. Journal of Statistical
       Software 48(2). https://doi.org/10.18637/jss.v048.i02

    Examples
    --------
    >>> from alliance_bayes import CLPM
    >>> text = to_lavaan(CLPM(["x", "y"], lags="equal"), [0, 1, 2])
    >>> print(text[text.index("# Lagged effects") : text.index("# Innovations")].strip())
    # Lagged effects
    w_x_1 ~ x_to_x*w_x_0 + y_to_x*w_y_0
    w_y_1 ~ x_to_y*w_x_0 + y_to_y*w_y_0
    w_x_2 ~ x_to_x*w_x_1 + y_to_x*w_y_1
    w_y_2 ~ x_to_y*w_x_1 + y_to_y*w_y_1
    """
    layout = layout_of(spec, facts_of(spec, panel, "lavaan"))
    return lavaan_syntax(layout, _own_columns(layout, columns or {}))


def _own_columns(layout: Layout, columns: Mapping[str, Sequence[str]]) -> dict[Variable, str]:
    """The user's column of each variable that has one, or every problem of what was given."""
    problems = Problems("These columns do not fit the model")
    waves: dict[str, list[Variable]] = {}
    for variable in layout.columns:
        if variable.time is not None:
            waves.setdefault(variable.name, []).append(variable)
    chosen: dict[Variable, str] = {}
    for name, given in columns.items():
        if name not in waves:
            problems.add(f"The data of the model have no '{name}'{choices(name, waves, 'They have')}")
        elif len(given) != len(waves[name]):
            times = ", ".join(number(variable.time or 0.0) for variable in waves[name])
            problems.add(f"'{name}' has {len(given)} columns; give one for each of its times {times}.")
        else:
            chosen |= dict(zip(waves[name], given, strict=True))
    if repeated := [name for name, count in Counter(chosen.values()).items() if count > 1]:
        problems.add(f"{quoted(repeated)} named more than once; each column belongs to one measure and time.")
    problems.raise_as(SpecError)
    return chosen


def lavaan_syntax(layout: Layout, columns: Mapping[Variable, str] | None = None) -> str:
    """Render a layout in lavaan's syntax."""
    columns = columns or {}
    names = long_names(layout.variables, layout.observed, columns)
    label = labels((*layout.parameters, *layout.auxiliary))
    about = _about_data(layout, names, columns)
    lines = [*_wrapped_comment(f"{layout.title}."), f"# {layout.n_free} free parameters.", *about]

    def modifier(entry: Entry) -> str:
        each = [label[value] if isinstance(value, str) else number_in_full(value) for value in entry.values]
        return f"c({', '.join(each)})" if layout.groups and isinstance(entry.values[0], str) else each[0]

    for section in layout.sections:
        lines += ["", *_wrapped_comment(section.title)]
        gathered: dict[tuple[str, str], list[str]] = {}
        for entry in section.entries:
            left, operator, right = _sides(entry, names)
            gathered.setdefault((left, operator), []).append(f"{modifier(entry)}*{right}")
        for (left, operator), terms in gathered.items():
            lines += wrapped(f"{left} {operator} ", terms, WIDTH)
    if layout.equations:
        lines += ["", "# Constraints"]
        for equation in layout.equations:
            lines += _equation(equation, label)
    return "\n".join(lines) + "\n"


def _sides(entry: Entry, names: dict[Variable, str]) -> tuple[str, str, str]:
    """Left side, operator and right side of an entry."""
    first = names[entry.first]
    if entry.second is None:
        return first, "~", "1"
    second = names[entry.second]
    if entry.kind == "loading":
        first, second = second, first
    return first, OPERATORS[entry.kind], second


def _about_data(layout: Layout, names: dict[Variable, str], columns_given: Mapping[Variable, str]) -> list[str]:
    columns = ", ".join(names[variable] for variable in layout.columns)
    options = ["missing = 'ml'"]
    if layout.groups:
        labels_in_r = ", ".join(map(_in_r, layout.groups))
        options.append(f"group = 'group', group.label = c({labels_in_r})")
    lines = _wrapped_comment(f"Data: one row per person, columns {columns}{', group' if layout.groups else ''}.")
    lines += [
        f"# {name} is {meaning}."
        for name, meaning in renamed(names, layout.observed)
        if name not in columns_given.values()
    ]
    if renaming := {column: names[variable] for variable, column in columns_given.items() if names[variable] != column}:
        lines.append("# Rename first what R cannot read (read.csv with check.names = FALSE keeps your names):")
        lines += [f"# names(data)[names(data) == {_in_r(column)}] <- '{name}'" for column, name in renaming.items()]
    return [*lines, "# Maximum likelihood, so without priors:", f"# fit <- lavaan(model, data, {', '.join(options)})"]


def _in_r(text: str) -> str:
    """A text as R reads it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _equation(equation: Equation, label: dict[str, str]) -> list[str]:
    left = "*".join(label[name] for name in equation.left)
    terms = [product(term, label) for term in equation.terms]
    return wrapped(f"{left} {':=' if equation.auxiliary else '=='} ", terms, WIDTH)


def _wrapped_comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, WIDTH - 2)]
