"""Regressions fitted by Bambi as equations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from ..posterior.health import examine
from .equations import Array, Values

__all__ = ["Regression", "regression"]


class _Family(NamedTuple):
    """Mean and draws of a response given its parameters, as Bambi parametrises them."""

    mean: Callable[[dict[str, Array]], Array]
    draw: Callable[[dict[str, Array], np.random.Generator, tuple[int, ...]], Array]


def _negative_binomial(p: dict[str, Array], rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.poisson(rng.gamma(np.broadcast_to(p["alpha"], shape), p["mu"] / p["alpha"])))


def _beta(p: dict[str, Array], rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.beta(np.broadcast_to(p["mu"] * p["kappa"], shape), (1 - p["mu"]) * p["kappa"]))


def _trials(p: dict[str, Array]) -> Array:
    return p["trials"].astype(np.int64)


FAMILIES: dict[str, _Family] = {
    "gaussian": _Family(lambda p: p["mu"], lambda p, rng, shape: p["mu"] + p["sigma"] * rng.standard_normal(shape)),
    "t": _Family(
        lambda p: p["mu"],
        lambda p, rng, shape: p["mu"] + p["sigma"] * rng.standard_t(np.broadcast_to(p["nu"], shape)),
    ),
    "bernoulli": _Family(lambda p: p["p"], lambda p, rng, shape: (rng.random(shape) < p["p"]).astype(float)),
    "poisson": _Family(lambda p: p["mu"], lambda p, rng, shape: rng.poisson(np.broadcast_to(p["mu"], shape))),
    "negativebinomial": _Family(lambda p: p["mu"], _negative_binomial),
    "zero_inflated_poisson": _Family(
        lambda p: p["psi"] * p["mu"],
        lambda p, rng, shape: (rng.random(shape) < p["psi"]) * rng.poisson(np.broadcast_to(p["mu"], shape)),
    ),
    "gamma": _Family(
        lambda p: p["mu"],
        lambda p, rng, shape: rng.gamma(np.broadcast_to(p["alpha"], shape), p["mu"] / p["alpha"]),
    ),
    "beta": _Family(lambda p: p["mu"], _beta),
    "binomial": _Family(
        lambda p: p["trials"] * p["p"],
        lambda p, rng, shape: rng.binomial(_trials(p), np.broadcast_to(p["p"], shape)),
    ),
    "beta_binomial": _Family(
        lambda p: p["trials"] * p["mu"], lambda p, rng, shape: rng.binomial(_trials(p), _beta(p, rng, shape))
    ),
}


class _Predictor(NamedTuple):
    """One parameter of the response: its terms with posterior draws, and the inverse of its link."""

    terms: tuple[tuple[Any, Array | None], ...]
    inverse_link: Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted Bambi model as an equation: made by `regression`.

    Attributes
    ----------
    variable
        The response.
    parents
        Columns that its formula reads.
    posterior
        Chains and draws.
    family, formula
        As Bambi names them.
    zero_without
        State without which the variable is 0, or None.
    people
        The rows it was fitted to.
    sampling
        Problems of the posterior draws.
    """

    variable: str
    parents: tuple[str, ...]
    posterior: tuple[int, int]
    family: str
    formula: str
    zero_without: str | None
    people: pd.DataFrame
    sampling: tuple[str, ...]
    _predictors: Mapping[str, _Predictor]
    _constants: Mapping[str, Array]
    _trials: Any
    at_baseline: ClassVar[bool] = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The response alone."""
        return (self.variable,)

    @property
    def in_words(self) -> str:
        """Model form."""
        state = f", and 0 without '{self.zero_without}'" if self.zero_without else ""
        return f"{self.formula} ({self.family}{state})"

    def parents_of(self, variable: str) -> tuple[str, ...]:
        """Columns that the formula reads."""
        return self.parents

    def simulate(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Mapping[str, Array]:
        """Draw responses given the predictors."""
        parameters = self._parameters(values, draws)
        try:
            drawn = FAMILIES[self.family].draw(parameters, rng, values.shape)
        except ValueError:
            largest = float(np.max(FAMILIES[self.family].mean(parameters)))
            raise SpecError(
                f"'{self.variable}' cannot be drawn: its regression predicts means up to {largest:.3g}, and the "
                f"largest value in the data is {self.observed(self.variable).max():.3g}. On this scale a count "
                "explodes where its predictor is another count; use a logarithm or a bounded predictor."
            ) from None
        return {self.variable: self._where_state(drawn, values)}

    def expectation(self, variable: str, values: Values, draws: NDArray[np.int64]) -> Array:
        """Conditional mean of the response."""
        return self._where_state(FAMILIES[self.family].mean(self._parameters(values, draws)), values)

    def observed(self, variable: str) -> Array:
        """Responses it was fitted to."""
        return np.asarray(self.people[variable], dtype=float)

    def _where_state(self, array: Array, values: Values) -> Array:
        return array if self.zero_without is None else np.where(values[self.zero_without] == 1, array, 0.0)

    def _parameters(self, values: Values, draws: NDArray[np.int64]) -> dict[str, Array]:
        parameters = {name: array[draws][:, None, None] for name, array in self._constants.items()}
        for name, predictor in self._predictors.items():
            parameters[name] = predictor.inverse_link(self._linear(predictor, values, draws))
        if self._trials is not None:
            parameters["trials"] = _evaluated(self._trials, values)[..., 0]
        return parameters

    def _linear(self, predictor: _Predictor, values: Values, draws: NDArray[np.int64]) -> Array:
        total = np.zeros(values.shape)
        for term, coefficients in predictor.terms:
            columns = _evaluated(term, values)
            if coefficients is None:
                total += columns[..., 0]
                continue
            for column in range(columns.shape[-1]):
                total += columns[..., column] * coefficients[draws, column][:, None, None]
        return total


@checked()
def regression(model: Any, draws: Any, *, zero_without: str | None = None) -> Regression:
    """An equation made of a regression that Bambi fitted.

    Linear predictors are evaluated term by term from Bambi's own design matrices, so that
    interactions, splines and transformations keep the constants of the data they were fitted to.

    Parameters
    ----------
    model
        A fitted ``bambi.Model`` with one response and no group-specific terms.
    draws
        Result of its ``fit``.
    zero_without
        A state, 0 or 1, without which the response is 0 by definition (no doctor, no visits); the
        regression is then fitted to the people who had it.

    Returns
    -------
    Regression
        For `CausalOrder`.

    Raises
    ------
    SpecError
        If the family, a term or the response cannot be simulated here; all problems at once.
    """
    problems = Problems("This regression cannot be simulated forward")
    if not hasattr(model, "family") or not hasattr(model, "conditional_parameters"):
        raise SpecError(
            f"regression needs a fitted bambi.Model; got {type(model).__name__}. Without Bambi, run: "
            'pip install "alliance-bayes[regressions]"'
        )
    if not hasattr(draws, "posterior"):
        raise SpecError(f"regression needs the result of the model's fit; got {type(draws).__name__}.")
    unfinished = [str(name) for name, array in draws.posterior.data_vars.items() if pd.isna(array.to_numpy()).any()]
    if unfinished:
        raise SpecError(
            f"Draws of {quoted(unfinished)} are missing, as after an interruption; fit the regression to the end."
        )
    family, response = model.family.name, model.response_term
    component = response.term.components[0]
    is_column, is_proportion = not hasattr(component, "call"), getattr(component, "kind", "") == "proportion"
    if is_column or is_proportion:
        variable = component.name if is_column else component.call.args[0].name
        if not pd.api.types.is_numeric_dtype(model.data[variable]):
            problems.add(f"The response '{variable}' must be numbers; code a yes/no response as 1 and 0.")
    else:
        problems.add(f"The response '{response.name}' is a function of a column; make it a column of its own.")
    if family not in FAMILIES:
        problems.add(f"The family '{family}' cannot be simulated. Use one of {quoted(FAMILIES)}, or ab.Equation.")
    if response.is_censored or response.is_constrained or response.is_truncated:
        problems.add("A censored, constrained or truncated response cannot be drawn; write it as ab.Equation.")
    for parameter in model.conditional_parameters.values():
        for term in parameter.terms.values():
            if type(term).__name__ in ("GroupSpecificTerm", "HSGPTerm"):
                problems.add(f"The term '{term.name}' is group-specific or a Gaussian process; use common terms alone.")
    problems.raise_as(SpecError)
    return _read(model, draws.posterior, family, variable, zero_without, _problems_of(draws))


def _problems_of(draws: Any) -> tuple[str, ...]:
    """Problems of the draws, where the statistics of their sampler were kept."""
    if "sample_stats" not in draws.children or "energy" not in draws["sample_stats"]:
        return ()
    return examine(
        draws, [str(name) for name in draws["posterior"].data_vars if "__obs__" not in draws["posterior"][name].dims]
    ).problems


def _read(
    model: Any, posterior: Any, family: str, variable: str, zero_without: str | None, sampling: tuple[str, ...]
) -> Regression:
    def stacked(name: str) -> Array:
        array = posterior[name]
        others = [dim for dim in array.dims if dim not in ("chain", "draw")]
        return np.asarray(array.transpose("chain", "draw", *others)).reshape(
            array["chain"].size * array["draw"].size, -1
        )

    predictors, parents = {}, set()
    for name, component in model.conditional_parameters.items():
        terms = []
        for label, design in component.design.common.terms.items():
            term = component.terms[label]
            parents |= set(design.var_names)
            offset = getattr(term, "kind", None) == "offset"
            terms.append((design, None if offset else stacked(term.alias or term.name)))
        predictors[name] = _Predictor(tuple(terms), model.family.link[name].linkinv)
    constants = {}
    for name, component in model.marginal_parameters.items():
        known = component.alias or name
        if known in posterior:
            constants[name] = stacked(known)[:, 0]
        else:
            constants[name] = np.full(posterior.sizes["chain"] * posterior.sizes["draw"], float(component.prior))
    trials = None
    if family in ("binomial", "beta_binomial"):
        trials = _Trials(model.response_term.term, variable)
        parents |= trials.var_names
    ordered = tuple(name for name in model.data.columns if name in parents)
    if zero_without is not None and zero_without not in ordered:
        ordered = (*ordered, zero_without)
    return Regression(
        variable=variable,
        parents=ordered,
        posterior=(posterior.sizes["chain"], posterior.sizes["draw"]),
        family=family,
        formula=str(model.formula.main),
        zero_without=zero_without,
        people=model.data,
        sampling=sampling,
        _predictors=predictors,
        _constants=constants,
        _trials=trials,
    )


class _Trials:
    """Number of trials of a binomial response, as a term of the design."""

    def __init__(self, term: Any, response: str) -> None:
        self.term = term
        self.var_names = set(term.var_names) - {response}

    def eval_new_data(self, frame: pd.DataFrame) -> Array:
        return np.asarray(self.term.eval_new_data(frame))


def _evaluated(term: Any, values: Values) -> Array:
    """Columns of a term, dims ``(draw, copy, person, column)``, each as long as the values that it reads differ."""
    names = [name for name in values if name in term.var_names]
    arrays = [values[name] for name in names]
    shape = tuple(size if any(array.strides[axis] for array in arrays) else 1 for axis, size in enumerate(values.shape))
    frame = pd.DataFrame(
        {
            name: np.broadcast_to(array[tuple(slice(size) for size in shape)], shape).ravel()
            for name, array in zip(names, arrays, strict=True)
        },
        index=pd.RangeIndex(int(np.prod(shape))),
    ).infer_objects()
    return np.asarray(term.eval_new_data(frame), dtype=float).reshape(*shape, -1)
