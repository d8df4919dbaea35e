"""A panel as an xarray data set and back, so that a fit is one file."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import xarray as xr

from .panel import Background, LeftOut, Moments, Panel

__all__ = ["panel_from_dataset", "panel_to_dataset"]

CELLS = ("panel_time", "panel_measure")
MOMENT_DIMS = {
    "n": ("pattern",),
    "observed": ("pattern", *CELLS),
    "means": ("pattern", *CELLS),
    "covariance": ("pattern", "value", "value_2"),
    "counts": ("absence_code", *CELLS),
    "lowest": CELLS,
    "highest": CELLS,
}


def panel_to_dataset(panel: Panel) -> xr.Dataset:
    """Everything a panel holds, as variables and one JSON attribute."""
    meta: dict[str, object] = {
        "measures": list(panel.measures),
        "times": list(panel.times),
        "requires": dict(panel.requires),
        "time_unit": panel.time_unit,
        "source": panel.source,
        "left_out": [asdict(part) for part in panel.left_out],
        "contradictions": panel.contradictions.to_dict("list"),
        "contradictions_dtypes": {name: str(dtype) for name, dtype in panel.contradictions.dtypes.items()},
        "decision": panel.decision,
    }
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if panel.moments is not None:
        arrays = {name: array for name, array in vars(panel.moments).items() if array is not None}
        variables |= {f"moments {name}": (MOMENT_DIMS[name], array) for name, array in arrays.items()}
        if panel.background.pattern_groups is not None:
            meta["pattern_groups"] = panel.background.pattern_groups.tolist()
            meta["group_times"] = {name: list(times) for name, times in panel.background.group_times.items()}
    else:
        assert panel.persons is not None
        assert panel.values is not None
        assert panel.absence is not None
        meta["persons_dtype"] = panel.persons.dtype.str
        variables["persons"] = (("panel_person",), panel.persons)
        variables["values"] = (("panel_person", "panel_time", "panel_measure"), panel.values)
        variables["absence"] = (("panel_person", "panel_time", "panel_measure"), panel.absence)
        for name, state in panel.states.items():
            variables[f"state {name}"] = (("panel_person", "panel_time"), state)
        for name, covariate in panel.covariates.items():
            variables[f"covariate {name}"] = (("panel_person",), covariate)
        if panel.groups is not None:
            meta["groups"] = panel.groups.tolist()
        if panel.own_times is not None:
            variables["own_times"] = (("panel_person", "panel_time"), panel.own_times)
    return xr.Dataset(variables, attrs={"panel": json.dumps(meta)})


def panel_from_dataset(dataset: xr.Dataset) -> Panel:
    """Read what `panel_to_dataset` made."""
    meta = json.loads(dataset.attrs["panel"])
    held = {str(name): array.to_numpy() for name, array in dataset.data_vars.items()}
    moments, states, covariates = (
        {name.removeprefix(prefix): array for name, array in held.items() if name.startswith(prefix)}
        for prefix in ("moments ", "state ", "covariate ")
    )
    groups, pattern_groups = (np.array(meta[name]) if name in meta else None for name in ("groups", "pattern_groups"))
    group_times = {name: tuple(times) for name, times in meta.get("group_times", {}).items()}
    return Panel(
        measures=tuple(meta["measures"]),
        times=tuple(meta["times"]),
        persons=None if moments else held["persons"].astype(meta["persons_dtype"]),
        values=held.get("values"),
        absence=held.get("absence"),
        requires=meta["requires"],
        states=states,
        moments=Moments(**moments) if moments else None,
        time_unit=meta["time_unit"],
        source=meta["source"],
        left_out=tuple(LeftOut(**{**part, "cases": tuple(part["cases"])}) for part in meta["left_out"]),
        contradictions=pd.DataFrame(meta["contradictions"]).astype(meta["contradictions_dtypes"]),
        decision=meta["decision"],
        background=Background(covariates, groups, held.get("own_times"), pattern_groups, group_times),
    )
