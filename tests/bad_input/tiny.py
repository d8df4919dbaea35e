"""A fit that nobody sampled, and what else calls need: made once, of draws from the prior, in a moment."""

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.settings import Settings
from fabricated import made_fit

SPEC = ab.RICLPM(["x", "y"])
TRUTH = ab.Truth(SPEC, times=[0, 1, 2], lagged={"x -> y": 0.2}, carry_over=0.3, icc=0.5)
CHAINS, DRAWS = 2, 20


@cache
def panel():
    """Forty people at three times."""
    return ab.simulate(TRUTH, persons=40, seed=1)


@cache
def fit():
    """A fit with prior draws for posterior ones, whose health nobody has looked at."""
    model = panel_model(SPEC, panel())
    groups = {"/posterior": _draws(model, CHAINS, seed=1), "/prior": _draws(model, 1, seed=2)}
    groups["/sample_stats"] = _statistics()
    settings = Settings(DRAWS, DRAWS, CHAINS, 1, 0.8, 1, "nutpie", 0.0, 0.0)
    return made_fit(SPEC, panel(), xr.DataTree.from_dict(groups), settings)


def _statistics():
    """What the sampler says of draws that went well."""
    shape = (CHAINS, DRAWS)
    values = {
        "diverging": np.zeros(shape, dtype=bool),
        "maxdepth_reached": np.zeros(shape, dtype=bool),
        "depth": np.full(shape, 3),
        "n_steps": np.full(shape, 7),
        "step_size": np.full(shape, 0.5),
        "step_size_bar": np.full(shape, 0.5),
        "tuning": np.zeros(shape, dtype=bool),
        "energy": np.random.default_rng(3).normal(size=shape),
    }
    return xr.Dataset({name: (("chain", "draw"), each) for name, each in values.items()})


def _draws(model, chains, seed):
    from alliance_bayes.engine.kernels.interpreter import run_many

    blocks = model.scale.draw(50 * chains * DRAWS, np.random.default_rng(seed))
    thetas, proper = run_many(model.scale.join(blocks), model.scale.arrays)
    kept = np.flatnonzero(proper)[: chains * DRAWS]
    assert len(kept) == chains * DRAWS
    vectors = model.derive(thetas[kept])
    dims = ("chain", "draw")
    variables = {
        block.name: ((*dims, *block.dims), blocks[block.name][kept].reshape(chains, DRAWS, *block.shape))
        for block in model.scale.blocks
    }
    for each in model.derived.quantities:
        variables[each.name] = (
            (*dims, *each.dims),
            vectors[:, each.where].reshape(chains, DRAWS, *each.shape),
        )
    used = {dim for names, _ in variables.values() for dim in names}
    return xr.Dataset(variables, {name: list(each) for name, each in model.scale.coordinates.items() if name in used})


@cache
def frame():
    """The panel as a long data frame."""
    return panel().to_frame()


@cache
def order():
    """Two variables in causal order, written by hand."""
    people = pd.DataFrame({"age": np.arange(20.0)})
    return ab.CausalOrder(
        people,
        [
            ab.Equation("a", ["age"], draw=lambda values, *_: values["age"] > 9),
            ab.Equation("m", ["a"], draw=lambda values, *_: values["a"] * 1.0),
            ab.Equation("b", ["a", "m"], draw=lambda values, *_: values["a"] + values["m"]),
        ],
    )
