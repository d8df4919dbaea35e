"""Which part of the package may import which: data flow one way, and nothing imports upward."""

import ast
from pathlib import Path

import alliance_bayes

ROOT = Path(alliance_bayes.__file__).parent
LAYERS = {
    "names": set(),
    "problems": set(),
    "panel": {"names", "problems", "figures"},
    "spec": {"names", "problems"},
    "moments": {"names", "problems", "panel", "spec"},
    "export": {"names", "problems", "panel", "spec"},
    "latent": {"names", "problems", "panel", "spec", "moments"},
    "summaries": set(),
    "health": {"names"},
    "figures": set(),
    "progress": set(),
    "effects": set(),
    "hidden_causes": set(),
    "prediction": {"problems", "moments"},
    "writing": {"problems"},
    "seals": set(),
    "json_records": {"names", "problems"},
    "run_folder": {"names", "problems", "writing", "json_records"},
    "saving": {"names", "problems", "panel", "writing", "seals", "json_records"},
    "discrepancy": {"model_on_panel", "moments", "prediction"},
    "maximising": {"moments"},
    "saturated": {"model_on_panel", "moments", "maximising"},
    "fit_indices": {"model_on_panel", "moments", "maximising", "saturated"},
    "sampling": {"names", "problems", "panel"},
    "sandwich": {"model_on_panel", "moments", "maximising", "saturated", "fit_indices", "sampling"},
    "residuals": {"model_on_panel", "names", "moments", "saturated", "fit_indices", "sampling", "sandwich"},
    "pymc_models": {"names", "problems", "panel", "spec", "moments", "latent", "model_on_panel"},
    "simulation": {"names", "problems", "panel", "spec"},
}
LAYERS |= {"given": {"problems"}, "memory": {"problems"}, "calls": {"names", "problems", "given"}}
LAYERS["settings"] = {"names", "problems", "given", "memory"}
LAYERS["interrupts"] = set()
LAYERS["model_on_panel"] = {"names", "problems", "panel", "spec", "moments", "latent"}
LAYERS["latent_predictions"] = {*LAYERS["model_on_panel"], "model_on_panel", "prediction"}
LAYERS["forecasting"] = {*LAYERS["latent_predictions"], "latent_predictions"}
LAYERS["likelihood"] = {"names", "problems", "panel", "spec", "moments", "maximising", "saturated", "fit_indices"}
LAYERS["likelihood"] |= {"sampling", "sandwich", "residuals", "model_on_panel"}
LAYERS["regressions"] = {"names", "problems", "spec"}
LAYERS["fitting"] = set(LAYERS) - {"figures", "effects", "hidden_causes", "simulation", "regressions", "export"}
LAYERS["imputations"] = {"names", "problems", "panel", "spec", "model_on_panel", "likelihood", "fitting", "health"}
LAYERS["imputations"] |= {"interrupts"}
LAYERS["conditioning"] = {"panel", "moments", "model_on_panel", "latent_predictions", "fitting"}
LAYERS["g_formula"] = {"names", "problems", "fitting", "health", "progress"}
LAYERS["sponsor_cohort"] = {"names", "problems", "panel"}
LAYERS["questions"] = {
    *("names", "problems", "panel", "spec", "pymc_models", "fitting", "conditioning", "regressions", "g_formula"),
    *("effects", "hidden_causes", "health", "prediction", "progress", "imputations", "summaries", "figures"),
    *("model_on_panel", "latent_predictions", "forecasting", "settings", "interrupts"),
}
LAYERS["model_file"] = set(LAYERS) - {"figures", "pymc_models"}
for part, allowed in LAYERS.items():
    allowed |= set() if part in ("names", "problems", "given", "memory", "calls") else {"given", "memory", "calls"}
ALLOWED_OUTSIDE = {
    "pymc": {"pymc_models", "fitting"},
    "pytensor": {"pymc_models"},
    "nutpie": {"fitting", "pymc_models"},
    "bambi": {"regressions"},
}


def imports(file: Path) -> set[str]:
    """Parts of the package, and outside packages with a dot before them, that a file imports."""
    depth = len(file.relative_to(ROOT).parts)
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            inside = node.level == depth
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            found |= set(names) if inside else set()
        elif isinstance(node, ast.ImportFrom):
            found.add("." + (node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {"." + alias.name.split(".")[0] for alias in node.names}
    return found


def part_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def test_nothing_imports_upward():
    checked = [file for file in ROOT.rglob("*.py") if part_of(file) not in ("__init__", "cli")]
    assert len(checked) > 20
    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in checked
        for name in imports(file)
        if not name.startswith(".") and name not in LAYERS[part_of(file)] | {part_of(file)}
    ]
    assert upward == []


def test_samplers_and_graphs_are_imported_in_few_places():
    found = [
        f"{file.relative_to(ROOT)} imports {package}"
        for file in ROOT.rglob("*.py")
        for package, allowed in ALLOWED_OUTSIDE.items()
        if f".{package}" in imports(file) and part_of(file) not in allowed
    ]
    assert found == []


def test_no_part_has_the_name_of_a_public_function():
    parts = {part_of(file) for file in ROOT.rglob("*.py")} - {"__init__"}
    assert parts & set(alliance_bayes.__all__) == set()


def test_every_public_name_can_be_reached():
    assert sorted(alliance_bayes.__all__) == sorted(set(alliance_bayes.__all__))
    assert all(getattr(alliance_bayes, name) is not None for name in alliance_bayes.__all__)
