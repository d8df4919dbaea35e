"""Regressions in causal order as a graph in layers: every variable right of all that its equation reads."""

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from ..questions.answer import Answer
from ..questions.counterfactual_answer import SimulatedRegimes
from .figure import Figure, Table
from .svg import colour_class, drawing, element, shortened, text

__all__ = ["causal_graph", "layers_of"]

MOST_OF_NAME, OF_LETTER = 20, 8.2
COLUMN_GAP, ROW, HEIGHT, TOP = 84.0, 44.0, 26.0, 24.0


def causal_graph(answers: Iterable[Answer]) -> Figure | None:
    """The equations that answers were simulated by; treatments, mediators and outcome of the first are coloured."""
    basis = next((answer.basis for answer in answers if isinstance(answer.basis, SimulatedRegimes)), None)
    if basis is None:
        return None
    plan = basis.plan
    order = plan.simulation.order
    parents: dict[str, tuple[str, ...]] = dict.fromkeys(order.exogenous, ()) | {
        name: equation.parents_of(name) for equation in order.equations for name in equation.variables
    }
    states = {name: state for name, state in order.requires.items() if name in parents and state in parents}
    roles = {
        **dict.fromkeys(plan.treatments, 0),
        **dict.fromkeys(plan.mediators, 1),
        plan.simulation.outcome: 2,
    }
    classes = {name: colour_class(roles[name]) if name in roles else "carry" for name in parents}
    keys = (("treatment", "c0"), ("mediator", "c1"), ("outcome", "c2"), ("other", "carry"))
    used = set(classes.values())
    caption = (
        "Each arrow leads from what an equation reads to what it predicts, in the colour of where it starts; dashed: a "
        "state without which the variable has no value. What no arrow connects is assumed not to act directly."
    )
    rows = tuple((name, ", ".join(parents[name]) or "–", states.get(name, "–")) for name in parents)
    table = Table("Variables and what their equations read", ("variable", "reads", "needs the state"), rows)
    title = "The regressions in causal order"
    picture = _picture(parents, states, classes, title)
    return Figure(title, (picture,), caption, (table,), tuple(key for key in keys if key[1] in used), wide=True)


def layers_of(parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Names by the length of the longest way to them; in a layer by the mean height of their parents.

    `parents` has every name once, after all of its parents.
    """
    depth: dict[str, int] = {}
    for name, before in parents.items():
        depth[name] = max((depth[parent] + 1 for parent in before), default=0)
    layers = [[name for name in parents if depth[name] == level] for level in range(max(depth.values()) + 1)]
    height: dict[str, float] = {}
    for layer in layers:
        middle = {name: _mean([height[parent] for parent in parents[name]]) for name in layer}
        layer.sort(key=lambda name: middle[name])
        height |= {name: place - len(layer) / 2 for place, name in enumerate(layer)}
    return layers


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _picture(
    parents: Mapping[str, Sequence[str]], states: Mapping[str, str], classes: Mapping[str, str], title: str
) -> Markup:
    layers = layers_of({name: (*before, *filter(None, [states.get(name)])) for name, before in parents.items()})
    tall = max(map(len, layers))
    corner, ends, x = dict[str, tuple[float, float]](), dict[str, float](), 8.0
    for level, layer in enumerate(layers):
        aside = 0.8 * (-1) ** level if level and tall - len(layer) > 1 else 0.0  # so that long arrows miss their layer
        width = 22 + OF_LETTER * max(len(shortened(name, MOST_OF_NAME)) for name in layer)
        for place, name in enumerate(layer):
            corner[name] = (x, TOP + ROW * (place + aside + (tall - len(layer)) / 2))
            ends[name] = x + width
        x += width + COLUMN_GAP
    arrows = [(parent, name, "") for name, before in parents.items() for parent in before]
    arrows += [(state, name, " open") for name, state in states.items() if state not in parents[name]]
    parts = [
        _arrow(ends[start], corner[start][1], *corner[end], classes[start] + open_) for start, end, open_ in arrows
    ]
    for name, (left, y) in corner.items():
        box = {"x": left, "y": y - HEIGHT / 2, "width": ends[name] - left, "height": HEIGHT, "rx": HEIGHT / 2}
        parts.append(element("rect", **box, class_=f"node {classes[name]}"))
        middle = (left + ends[name]) / 2
        parts.append(text(middle, y + 4, name, most=MOST_OF_NAME, class_="measure", text_anchor="middle"))
    return drawing(x - COLUMN_GAP + 8, TOP + ROW * (tall - 1) + 30, title, parts, "plot fixed")


def _arrow(x1: float, y1: float, x2: float, y2: float, classes: str) -> Markup:
    bend, end = (x2 - x1) / 2, x2 - 6
    line = f"M{x1:.1f},{y1:.1f}C{x1 + bend:.1f},{y1:.1f} {end - bend:.1f},{y2:.1f} {end:.1f},{y2:.1f}"
    head = f"{x2 - 1:.1f},{y2:.1f} {end - 3:.1f},{y2 - 4:.1f} {end - 3:.1f},{y2 + 4:.1f}"
    return element("path", d=line, class_=f"path {classes}", stroke_width=1.3) + element(
        "polygon", points=head, class_=f"head {classes}"
    )
