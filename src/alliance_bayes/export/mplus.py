"""A model as input of Mplus."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

from ..basics.calls import checked
from ..engine.linear_system import Variable
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .facts import facts_of
from .layout import layout_of
from .names import renamed, short_names
from .rendering import number_in_full, product, wrapped
from .statements import Entry, Equation, Layout

__all__ = ["mplus_input", "to_mplus"]

WIDTH = 88  # Mplus reads 90 columns of a line
MISSING = -999


@checked(apart=["panel"])
def to_mplus(spec: CrossLagged, panel: Panel | Sequence[float], *, file: str = "data.dat") -> str:
    """Input with which Mplus fits a model by maximum likelihood.

    Every parameter is written out, with its name here as a comment; parameters with the same label are equal, and
    whatever is not written is fixed at 0. Names have eight characters at most; where that changes a name, a comment
    says so. The priors of the model have no place in it.

    Mplus is not free and was not run on this text: its layout follows the User's Guide [1]_, and the same layout
    rendered by `to_lavaan` was fitted.

    Parameters
    ----------
    spec
        The model.
    panel
        The panel, or the times of its waves where these say enough; see `to_lavaan`.
    file
        Name of the data file: one row per person, without a heading, columns in the order of ``NAMES``, missing values
        -999.

    Returns
    -------
    str
        The input file.

    Raises
    ------
    SpecError
        If the model is not defined at these times, or if Mplus cannot express a part of it that are written here; see
        `to_lavaan`.

    References
    ----------
    .. [1] Muthén & Muthén (1998-2017). Mplus User's Guide, 8th edition.

    Examples
    --------
    >>> from alliance_bayes import CLPM
    >>> text = to_mplus(CLPM(["x", "y"], lags="equal"), [0, 1, 2])
    >>> print(text[text.index("  ! Lagged effects") : text.index("  ! Innovations")].strip())
    ! Lagged effects
      w_x_1 ON w_x_0 (p4);  ! x -> x
      w_x_1 ON w_y_0 (p5);  ! y -> x
      w_y_1 ON w_x_0 (p6);  ! x -> y
      w_y_1 ON w_y_0 (p7);  ! y -> y
      w_x_2 ON w_x_1 (p4);  ! x -> x
      w_x_2 ON w_y_1 (p5);  ! y -> x
      w_y_2 ON w_x_1 (p6);  ! x -> y
      w_y_2 ON w_y_1 (p7);  ! y -> y
    """
    layout = layout_of(spec, facts_of(spec, panel, "Mplus"))
    return mplus_input(layout, f"{spec.title} of {', '.join(spec.measures)}", file)


def mplus_input(layout: Layout, title: str, file: str) -> str:
    """Render a layout as input of Mplus."""
    names = short_names(layout.variables, layout.observed)
    label = {name: f"p{place}" for place, name in enumerate(layout.parameters, start=1)}
    label |= {name: f"r{place}" for place, name in enumerate(layout.auxiliary, start=1)}
    codes = {group: f"g{place}" for place, group in enumerate(layout.groups, start=1)}

    about = f"{layout.title}. {layout.n_free} free parameters, maximum likelihood, so without priors."
    lines = [*_comment(about), "TITLE:", *_indented(wrap(title, WIDTH - 2))]
    lines += ["DATA:", f"  FILE IS {file};", "VARIABLE:"]
    columns = [names[variable] for variable in layout.columns]
    lines += _indented(wrap(f"NAMES ARE {' '.join([*columns, *(['group'] if codes else [])])};", WIDTH - 2))
    lines += [line for name, meaning in renamed(names, layout.observed) for line in _comment(f"{name} is {meaning}.")]
    lines.append(f"  MISSING ARE ALL ({MISSING});")
    if codes:
        values = " ".join(f"{place} = {code}" for place, code in enumerate(codes.values(), start=1))
        lines += _indented(wrap(f"GROUPING IS group ({values});", WIDTH - 2))
        lines += [line for group, code in codes.items() for line in _comment(f"{code} is {group}.")]
    lines += ["ANALYSIS:", "  ESTIMATOR IS ML;", "  MODEL IS NOCOVARIANCES;", "MODEL:"]
    for section in layout.sections:
        lines += _comment(section.title)
        for entry in section.entries:
            lines += _statement(entry, entry.values[0], names, label if entry.is_shared else None)
    lines += _comment("No other means and intercepts")
    lines += [f"  [{name}@0];" for name in _without_mean(layout, names)]
    for group, code in enumerate(codes.values()):
        lines.append(f"MODEL {code}:")
        for entry in layout.entries:
            if not entry.is_shared:
                lines += _statement(entry, entry.values[group], names, label)
    if layout.equations:
        lines.append("MODEL CONSTRAINT:")
        if layout.auxiliary:
            lines += _indented(wrap(f"NEW({' '.join(label[name] for name in layout.auxiliary)});", WIDTH - 2))
        for equation in layout.equations:
            lines += _equation(equation, label)
    return "\n".join(lines) + "\n"


def _statement(entry: Entry, value: float | str, names: dict[Variable, str], label: dict[str, str] | None) -> list[str]:
    """One entry, with the name of its parameter as a comment; without `label`, free in each group."""
    first = names[entry.first]
    if isinstance(value, str):
        ending = "*1" if entry.kind == "loading" else ""
        tag = f" ({label[value]})" if label else ""
        said = value if label else ""
    else:
        ending, tag, said = f"@{number_in_full(value)}", "", ""
    match entry.kind:
        case "mean":
            text = f"[{first}{ending}]{tag};"
        case "covariance" if entry.first == entry.second:
            text = f"{first}{ending}{tag};"
        case "covariance":
            text = f"{first} WITH {_name(entry, names)}{ending}{tag};"
        case "loading":
            text = f"{_name(entry, names)} BY {first}{ending}{tag};"
        case _:
            text = f"{first} ON {_name(entry, names)}{ending}{tag};"
    if not said:
        return [f"  {text}"]
    line = f"  {text}  ! {said}"
    return [line] if len(line) <= WIDTH else [*_comment(said), f"  {text}"]


def _name(entry: Entry, names: dict[Variable, str]) -> str:
    return names[entry.second] if entry.second else ""


def _without_mean(layout: Layout, names: dict[Variable, str]) -> Iterable[str]:
    """Variables of the model whose mean or intercept is 0, which Mplus might estimate by default."""
    with_mean = {entry.first for entry in layout.entries if entry.kind == "mean"}
    return (name for variable, name in names.items() if variable not in with_mean and variable.role != "covariate")


def _equation(equation: Equation, label: dict[str, str]) -> list[str]:
    terms = [product(term, label) for term in equation.terms]
    left = "*".join(label[name] for name in equation.left)
    if len(equation.left) > 1:
        left, terms = "0", [*terms, f"-{left}"]
    lines = wrapped(f"  {left} = ", terms, WIDTH)
    return [*_comment(equation.left[0]), *lines[:-1], f"{lines[-1]};"]


def _comment(text: str) -> list[str]:
    return [f"  ! {line}" for line in wrap(text, WIDTH - 4)]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
