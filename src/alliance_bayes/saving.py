"""A panel as an xarray data set and back, so that a fit is one file."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import xarray as xr

from .panel import LeftOut, Panel, PublishedMoments

__all__ = ["panel_from_dataset", "panel_to_dataset"]


def panel_to_dataset(panel: Panel) -> xr.Dataset:
    """Everything a panel holds, as variables and one JSON attribute."""
    meta = {
        "measures": list(panel.measures),
        "times": list(panel.times),
        "requires": dict(panel.requires),
        "time_unit": panel.time_unit,
        "source": panel.source,
        "left_out": [asdict(part) for part in panel.left_out],
        "contradictions": panel.contradictions.to_dict("list"),
        "contradictions_dtypes": {name: str(dtype) for name, dtype in panel.contradictions.dtypes.items()},
        "decision": panel.decision,
        "n": None if panel.published is None else panel.published.n,
    }
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if panel.published is not None:
        variables["means"] = (("panel_time", "panel_measure"), panel.published.means)
        variables["covariance"] = (("value", "value_2"), panel.published.covariance)
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
    return xr.Dataset(variables, attrs={"panel": json.dumps(meta)})


def panel_from_dataset(dataset: xr.Dataset) -> Panel:
    """Read what `panel_to_dataset` made."""
    meta = json.loads(dataset.attrs["panel"])
    published = None
    if meta["n"] is not None:
        published = PublishedMoments(meta["n"], dataset["means"].to_numpy(), dataset["covariance"].to_numpy())
    states = {
        str(name).removeprefix("state "): dataset[name].to_numpy()
        for name in dataset.data_vars
        if str(name).startswith("state ")
    }
    return Panel(
        measures=tuple(meta["measures"]),
        times=tuple(meta["times"]),
        persons=None if published else dataset["persons"].to_numpy().astype(meta["persons_dtype"]),
        values=None if published else dataset["values"].to_numpy(),
        absence=None if published else dataset["absence"].to_numpy(),
        requires=meta["requires"],
        states=states,
        published=published,
        time_unit=meta["time_unit"],
        source=meta["source"],
        left_out=tuple(LeftOut(**{**part, "cases": tuple(part["cases"])}) for part in meta["left_out"]),
        contradictions=pd.DataFrame(meta["contradictions"]).astype(meta["contradictions_dtypes"]),
        decision=meta["decision"],
    )
