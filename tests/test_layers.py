"""Which room of the package may import which: data flow one way, and nothing imports upward."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import alliance_bayes

ROOT = Path(alliance_bayes.__file__).parent
ROOMS = {
    "basics": set(),
    "figures": set(),
    "panel": {"basics", "figures"},
    "families": {"basics"},
    "spec": {"basics", "families"},
    "engine": {"basics", "panel", "families", "spec"},
    "export": {"basics", "panel", "spec", "engine"},
    "likelihood": {"basics", "panel", "spec", "engine"},
    "pymc_models": {"basics", "panel", "families", "spec", "engine"},
    "posterior": {"basics", "panel", "spec", "engine", "likelihood", "pymc_models"},
    "causal": {"basics", "spec", "posterior"},
    "simulation": {"basics", "panel", "families", "spec"},
    "questions": {"basics", "figures", "panel", "spec", "engine", "likelihood", "pymc_models", "posterior", "causal"},
    "batches": {"basics", "panel", "spec", "engine", "likelihood", "posterior", "questions"},
    "calibration": {
        "basics",
        "figures",
        "panel",
        "families",
        "spec",
        "engine",
        "posterior",
        "simulation",
        "questions",
        "batches",
    },
    "files": {"basics", "panel", "families", "spec", "engine", "posterior", "causal", "simulation", "questions"},
    "pages": {"basics", "figures", "panel", "posterior", "questions"},
    "cli": {"basics", "posterior", "files"},
    "compile": {"basics"},
}
ALLOWED_OUTSIDE = {
    "pymc": {"pymc_models", "posterior"},
    "pytensor": {"pymc_models", "families"},
    "nutpie": {"posterior", "pymc_models"},
    "bambi": {"causal"},
    "pydantic": {"basics", "questions", "files"},
    "jinja2": {"pages"},
    "markupsafe": {"pages"},
}


@cache
def imports(file: Path) -> set[str]:
    """Rooms of the package, and outside packages with a dot before them, that a file imports."""
    folders = file.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folders[: len(folders) - node.level + 1]
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {(*base, *module.split("."))[0] for module in modules}
        elif isinstance(node, ast.ImportFrom):
            found.add("." + (node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {"." + alias.name.split(".")[0] for alias in node.names}
    return found


def room_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def test_nothing_imports_upward():
    checked = [file for file in ROOT.rglob("*.py") if room_of(file) not in ("__init__", "__main__")]
    assert {room_of(file) for file in checked} == set(ROOMS)
    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in checked
        for name in imports(file)
        if not name.startswith(".") and name not in ROOMS[room_of(file)] | {room_of(file)}
    ]
    assert upward == []


def test_rooms_stand_in_order():
    """Each imports only rooms above it in the list, so that there is no circle."""
    order = list(ROOMS)
    assert all(order.index(below) < order.index(room) for room, allowed in ROOMS.items() for below in allowed)


def test_samplers_and_graphs_are_imported_in_few_places():
    found = [
        f"{file.relative_to(ROOT)} imports {package}"
        for file in ROOT.rglob("*.py")
        for package, allowed in ALLOWED_OUTSIDE.items()
        if f".{package}" in imports(file) and room_of(file) not in allowed
    ]
    assert found == []


def test_no_room_has_the_name_of_a_public_function():
    rooms = {room_of(file) for file in ROOT.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms & set(alliance_bayes.__all__) == set()


def test_every_public_name_can_be_reached():
    assert sorted(alliance_bayes.__all__) == sorted(set(alliance_bayes.__all__))
    assert all(getattr(alliance_bayes, name) is not None for name in alliance_bayes.__all__)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(file: Path, modules: set[str]) -> set[str]:
    """Modules of the package that a file imports, inside functions and for types alone included."""
    folders, found = file.relative_to(ROOT).parts[:-1], set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*folders[: len(folders) - node.level + 1], *([node.module] if node.module else [])])
            submodules = {f"{base}.{alias.name}".removeprefix(".") for alias in node.names} & modules
            from_base = len(submodules) < len(node.names)
            found |= submodules | ({base} & modules if from_base else set())
    return found - {module_of(file)}


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, from a module to itself; empty where there is none."""
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_circle_between_modules():
    files = {module_of(file): file for file in ROOT.rglob("*.py")}
    circle = circle_in({module: imported_modules(file, set(files)) for module, file in files.items()})
    assert not circle, " -> ".join(circle)


def test_a_circle_is_noticed():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) in (list("abca"), list("bcab"), list("cabc"))
