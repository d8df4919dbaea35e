"""Tables of persons: what is drawn of each of them, and their stable differences."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from ...basics.problems import SpecError
from ...engine.moments.linear_system import Variable
from ...panel import Panel
from ..summaries import interval
from .people import People

__all__ = ["person_scores", "table_of_persons"]


def person_scores(people: People, thetas: npt.NDArray[np.float64], rng: np.random.Generator) -> pd.DataFrame:
    """Random intercepts of everybody, as `Fit.person_scores` says.

    Parameters
    ----------
    people
        Of the panel.
    thetas
        One draw of the parameters per row, in the model's unit.
    rng
        Source of the random numbers.
    """
    model, spec = people.model, people.model.spec
    if not spec.random_intercepts:
        raise SpecError(f"A {spec.title} has no random intercepts, so there are no person scores.")
    variables = model.system.systems[0].variables
    targets = [variables.index(Variable("intercept", name)) for name in spec.measures]
    drawn = people.variables(targets, thetas, rng)
    centre = model.centre if spec.growth else 0.0
    return table_of_persons(model.panel, drawn * model.unit + centre, spec.measures)


def table_of_persons(panel: Panel, drawn: npt.NDArray[np.float64], columns: Sequence[str]) -> pd.DataFrame:
    """Mean, SD and interval of draws of shape ``(draw, person, column)``, indexed by person and measure."""
    array = xr.DataArray(drawn, dims=("sample", "person", "measure"))
    lower, upper = interval(array, "sample")
    parts = {"mean": array.mean("sample"), "sd": array.std("sample"), "lower": lower, "upper": upper}
    index = pd.MultiIndex.from_product([panel.persons, columns], names=["person", "measure"])
    return pd.DataFrame({name: part.to_numpy().ravel() for name, part in parts.items()}, index=index)
