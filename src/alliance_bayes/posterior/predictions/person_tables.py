"""Tables of persons: their draws, stable differences and log densities."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from ...basics.problems import SpecError
from ...engine.linear_system import Variable
from ...panel import Panel
from ..summaries import interval
from .people import People

__all__ = ["log_densities", "person_scores", "table_of_persons"]

type FloatArray = npt.NDArray[np.float64]


def person_scores(people: People, thetas: FloatArray, rng: np.random.Generator) -> pd.DataFrame:
    """`Fit.person_scores`, from one draw of the parameters per row."""
    model, spec = people.model, people.model.spec
    if not spec.random_intercepts:
        raise SpecError(f"A {spec.title} has no random intercepts, so there are no person scores.")
    variables = model.system.systems[0].variables
    targets = [variables.index(Variable("intercept", name)) for name in spec.measures]
    drawn = people.variables(targets, thetas, rng)
    centre = model.centre if spec.growth else 0.0
    return table_of_persons(model.panel, drawn * model.unit + centre, spec.measures)


def table_of_persons(panel: Panel, drawn: FloatArray, columns: Sequence[str]) -> pd.DataFrame:
    """Mean, SD and interval of draws of shape ``(draw, person, column)``, indexed by person and measure."""
    array = xr.DataArray(drawn, dims=("sample", "person", "measure"))
    lower, upper = interval(array, "sample")
    parts = {"mean": array.mean("sample"), "sd": array.std("sample"), "lower": lower, "upper": upper}
    index = pd.MultiIndex.from_product([panel.persons, columns], names=["person", "measure"])
    return pd.DataFrame({name: part.to_numpy().ravel() for name, part in parts.items()}, index=index)


def log_densities(
    people: People, thetas: FloatArray, posterior: xr.Dataset, persons: npt.NDArray[np.int64], *, n_known: int = 0
) -> xr.DataArray:
    """`People.log_densities` with the dims ``(chain, draw, person)`` of the posterior that the thetas are draws of."""
    ids = people.model.panel.persons
    assert ids is not None
    density = people.log_densities(thetas, persons, n_known=n_known)
    chains, draws = (posterior[dim].to_numpy() for dim in ("chain", "draw"))
    return xr.DataArray(
        density.reshape(len(chains), len(draws), len(persons)),
        dims=("chain", "draw", "person"),
        coords={"chain": chains, "draw": draws, "person": ids[persons]},
        name="values",
    )
