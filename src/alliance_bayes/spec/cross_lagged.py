"""What all cross-lagged panel models have in common: frozen descriptions of what is modelled, never the data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self, get_args

from ..basics.assumptions import Assumption
from ..basics.given import entries, is_number, is_one_of, shown
from ..basics.html import html_of
from ..basics.names import ARROW, choices, in_words, lagged_path, number, quoted, split_path, with_article
from ..basics.problems import Problems, SpecError
from ..families.family import ResponseFamily
from .frozen_mapping import FrozenMapping
from .latent_options import latent_assumptions, latent_contradictions, latent_options, priors_of_options
from .model_options import Across, Equality, GroupLags, Invariance, Lags, ModelOptions, Target
from .occurrence import Selection, State
from .priors import Priors
from .steps import base_step, equal_intervals, interval_names, steps_per_interval

__all__ = ["MISSING_AT_RANDOM", "CrossLagged"]

MOST_STEPS = 40
MISSING_AT_RANDOM = Assumption("Values are missing at random given the observed measures and waves.", "missing")
ERROR_EXAMPLE = (
    "Error makes lagged effects mostly smaller, above all those of the measure that has more of it: with reliability "
    "0.6 of one of two measures, true effects of 0.10 both ways come out as 0.05 (of that measure) and 0.08 where 30 % "
    "of the variance is stable between people, as 0.03 and 0.06 where half of it is (RI-CLPM, four waves, carry-over "
    "0.3). See ab.robustness(..., reliability=[1, 0.9, 0.8, 0.7, 0.6])."
)


@dataclass(frozen=True)
class CrossLagged(ModelOptions):
    """What the models of the cross-lagged family share; use `RICLPM`, `CLPM`, `DPM`, `STARTS`, `LCMSR` or `ALT`."""

    def __post_init__(self) -> None:
        problems = Problems(f"This {self.title} is not valid")
        measures = entries(self.measures)
        if measures is None or not all(isinstance(name, str) and name for name in measures):
            problems.add(f"measures must be a list of names; got {shown(self.measures)}.")
            problems.raise_as(SpecError)
        object.__setattr__(self, "measures", measures)
        _check_names(self.measures, "measure", problems)
        if len(self.measures) < 2:
            problems.add(
                f"A cross-lagged model needs two or more measures; got {len(self.measures)}: "
                f"{quoted(self.measures) or '-'}."
            )
        for name, allowed in self._options().items():
            value = getattr(self, name)
            if not is_one_of(value, allowed):
                valid = quoted(choice for choice in allowed if choice is not None)
                problems.add(f"{name} must be one of {valid}; got {shown(value)}.")
        if not isinstance(self.priors, Priors):
            problems.add(f"priors must be ab.Priors(...); got {shown(self.priors)}.")
        self._read_paths(problems)
        self._read_covariates(problems)
        self._read_moderation(problems)
        self._read_measurement(problems)
        self._read_equal_across_groups(problems)
        self._read_occurrence(problems)
        if not problems.found:
            for problem in self._contradictions():
                problems.add(problem)
        problems.raise_as(SpecError)

    def _options(self) -> dict[str, tuple[object, ...]]:
        return {
            "lags": (None, *get_args(Lags)),
            "residuals": get_args(Equality),
            "means": get_args(Equality),
            "invariance": get_args(Invariance),
            "group_lags": (None, *get_args(GroupLags)),
            "nonexistent": (None, "as_missing"),
        }

    def _read_paths(self, problems: Problems) -> None:
        removed = _paths_in("remove", self.remove, self.measures, problems, over_an_interval=True)
        object.__setattr__(self, "remove", tuple(sorted(removed, key=lambda path: _place(path, self.measures))))
        lag_2 = _paths_in("lag_2", self.lag_2, self.measures, problems)
        object.__setattr__(self, "lag_2", tuple(sorted(lag_2, key=lambda path: _place(path, self.measures))))
        groups = entries(self.equal)
        if groups is None or any(entries(group) is None for group in groups):
            problems.add(
                "equal must be a list of lists of paths over an interval, such as "
                f"[['x -> y, 0 to 1', 'x -> y, 1 to 2']]; got {shown(self.equal)}."
            )
            return
        read = [_paths_in("equal", group, self.measures, problems, over_an_interval=True) for group in groups]
        object.__setattr__(self, "equal", tuple(tuple(group) for group in read))
        for group in read:
            without = sorted({path.partition(", ")[0] for path in group})
            if len(without) > 1 or len(group) < 2 or any(", " not in path for path in group):
                problems.add(
                    f"equal: {quoted(group)} must be one path over two or more intervals, such as 'x -> y, 0 to 1' and "
                    "'x -> y, 1 to 2'. Whether two directions are equally strong is a question: see ab.hypotheses."
                )

    def _read_covariates(self, problems: Problems) -> None:
        targets = _by_name("covariates", self.covariates, problems, "{'commitment': 'intercepts'}")
        covariates = {name: (on,) if isinstance(on, str) else entries(on) for name, on in targets.items()}
        for name, on in covariates.items():
            if not on or not all(is_one_of(target, get_args(Target)) for target in on):
                problems.add(
                    f"covariates: '{name}' must act on {quoted(get_args(Target))}; got {shown(targets[name])}."
                )
        _check_names([*covariates], "covariate", problems)
        for name in covariates:
            if name in self.measures:
                problems.add(f"'{name}' is both a measure and a covariate; choose one.")
        object.__setattr__(self, "covariates", FrozenMapping(covariates))
        predetermined = entries(self.predetermined)
        if predetermined is None:
            problems.add(f"predetermined must be a list of covariates; got {shown(self.predetermined)}.")
        else:
            object.__setattr__(self, "predetermined", predetermined)
            for name in predetermined:
                if not is_one_of(name, covariates):
                    known = choices(name, covariates, "They")
                    problems.add(f"predetermined: {quoted([name])} is not among the covariates{known}")

    def _read_moderation(self, problems: Problems) -> None:
        moderated = _by_name("moderated", self.moderated, problems, "{'alliance -> days': 'commitment'}")
        paths = _paths_in("moderated", list(moderated), self.measures, problems)
        object.__setattr__(self, "moderated", FrozenMapping(dict(zip(paths, moderated.values(), strict=False))))
        for path, name in self.moderated.items():
            if not isinstance(name, str) or name in self.measures:
                problems.add(
                    f"moderated: '{path}' needs the name of a covariate that does not change; got {shown(name)}."
                )

    def _read_measurement(self, problems: Problems) -> None:
        reliability = _by_name("reliability", self.reliability, problems, "{'alliance': 0.95}")
        for name, value in reliability.items():
            if not (is_number(value) and 0 < value < 1):
                problems.add(f"reliability of '{name}' must lie between 0 and 1; got {shown(value)}.")
        items = _by_name("indicators", self.indicators, problems, "{'alliance': ['item_1', 'item_2', 'item_3']}")
        indicators = {name: entries(given) or () for name, given in items.items()}
        for name, given in indicators.items():
            if len(given) < 2:
                problems.add(f"indicators: '{name}' needs two or more columns; got {shown(items[name])}.")
        _check_names([item for given in indicators.values() for item in given], "indicator", problems)
        by_measure: dict[str, dict[str, Any]] = {"reliability": reliability, "indicators": indicators}
        for option, of_measures in by_measure.items():
            for name in of_measures:
                if name not in self.measures:
                    problems.add(f"{option}: '{name}' is not a measure{choices(name, self.measures, 'Measures')}")
            object.__setattr__(self, option, FrozenMapping(of_measures))
        for name in set(reliability) & set(indicators):
            problems.add(f"'{name}' has indicators, which estimate its reliability; leave one of the two out.")

    def _read_equal_across_groups(self, problems: Problems) -> None:
        across = entries(self.equal_across_groups, ordered=False)
        if across is None or not all(is_one_of(part, get_args(Across)) for part in across):
            problems.add(
                f"equal_across_groups must be a list of {quoted(get_args(Across))}; "
                f"got {shown(self.equal_across_groups)}."
            )
        else:
            object.__setattr__(self, "equal_across_groups", tuple(part for part in get_args(Across) if part in across))

    def _read_occurrence(self, problems: Problems) -> None:
        families = _by_name("families", self.families, problems, "{'days': ab.Days(30)}")
        for name, family in families.items():
            if name not in self.measures:
                problems.add(f"families: '{name}' is not a measure{choices(name, self.measures, 'Measures')}")
            if not isinstance(family, ResponseFamily):
                problems.add(f"families: '{name}' needs a family, such as ab.Days(30); got {shown(family)}.")
        object.__setattr__(self, "families", FrozenMapping(families))
        if self.state is not None and not isinstance(self.state, State):
            problems.add(f"state must be ab.State('sponsor', ...); got {shown(self.state)}.")
        selection = (self.selection,) if isinstance(self.selection, Selection) else entries(self.selection)
        if selection is None or not all(isinstance(each, Selection) for each in selection):
            problems.add(f"selection must be a list of ab.Selection(...); got {shown(self.selection)}.")
        else:
            object.__setattr__(self, "selection", selection)

    def _contradictions(self) -> Iterable[str]:
        """Options that cannot go together, each with its cure."""
        yield from self._contradictions_of_lags()
        yield from self._contradictions_of_covariates()
        if self.error and (self.reliability or self.indicators):
            yield f"{self._a_title(capital=True)} estimates measurement error; leave reliability and indicators out."
        yield from latent_contradictions(self)

    def _contradictions_of_lags(self) -> Iterable[str]:
        by_interval = [
            path for path in (*self.remove, *(path for group in self.equal for path in group)) if "," in path
        ]
        if by_interval and self.lags is not None and not self.lags_by_interval:
            yield f"'{by_interval[0]}' names one interval, which needs lags='free'; this model has lags='{self.lags}'."
        for path in self.lag_2:
            if path in self.remove:
                yield f"'{path}' is removed and has a lag of 2; leave one out."
        if self.lag_2 and self.lags in ("grid", "continuous", "equal_standardized"):
            yield f"lag_2 needs lags='equal' or 'free': steps of '{self.lags}' are not waves."
        for path in self.moderated:
            if path in self.remove:
                yield f"'{path}' is removed and moderated; leave one out."
        if self.moderated and self.lags == "equal_standardized":
            yield "moderated needs lags on the scale of the measures; use lags='equal' or 'free'."
        if self.accumulating and self.lags in ("continuous", "equal_standardized"):
            yield (
                f"{self._a_title(capital=True)} has factors that act again at each wave, so lags='{self.lags}' is not "
                "defined for it; use 'equal', 'free' or 'grid'."
            )
        if self.lags == "equal_standardized" and self.is_stationary:
            yield "A stationary model has equal standardised lags wherever its lags are equal; use lags='equal'."
        if self.lag_2 and (self.lags == "equal_standardized" or self.is_stationary):
            yield "lag_2 goes neither with lags='equal_standardized' nor with stationary within-person covariances."
        if self.moderated and self.is_stationary:
            yield "moderated lags differ between people, so that no one within-person covariance is stationary."

    def _contradictions_of_covariates(self) -> Iterable[str]:
        for name, targets in self.covariates.items():
            if "intercepts" in targets and self.stable == "none":
                yield f"'{name}' cannot act on intercepts: {self._a_title()} has none. Use 'first_wave' or 'each_wave'."
            if "slopes" in targets and self.stable not in ("growth", "accumulating growth"):
                yield f"'{name}' cannot act on slopes: {self._a_title()} has none."
            if "each_wave" in targets and "every_wave" in targets:
                yield f"'{name}' acts on 'each_wave' and on 'every_wave'; choose one."
        for name in self.predetermined:
            if set(self.covariates[name]) - {"each_wave", "every_wave"}:
                yield f"'{name}' is predetermined, so it varies over time and acts on 'each_wave' or 'every_wave'."

    @property
    def priors_of_options(self) -> dict[str, str]:
        """Priors of families, state and selection, in words and as text."""
        return priors_of_options(self)

    def require_normal(self, what: str) -> None:
        """Refuse what is only there for normal measures whose missing values are missing at random.

        Parameters
        ----------
        what
            What was asked, as the beginning of a sentence.

        Raises
        ------
        SpecError
            If the model has families other than normal, a state or a selection.
        """
        if not self.is_latent:
            return
        has = [f"{name} ({family.in_words})" for name, family in self.random_families.items()]
        has += [f"the state {self.state.name}"] if self.state is not None else []
        has += [f"a selection of {each.in_words}" for each in self.selection]
        raise SpecError(
            f"{what} needs a model of normal measures alone; this one has {in_words(has)}. Ask it of a model without "
            f"{in_words(latent_options(self))}."
        )

    def without(self, *paths: str) -> Self:
        """Return the model with these lagged paths fixed at 0.

        Parameters
        ----------
        *paths
            Paths such as ``"days -> alliance"``, or over one interval ``"days -> alliance, 6 to 12"``.

        Raises
        ------
        SpecError
            If a path is not one of the model's.
        """
        return replace(self, remove=(*self.remove, *paths))

    def lags_for(self, times: tuple[float, ...]) -> Lags:
        """Return how the lagged effects depend on the interval, once the times are known.

        Whether those that are free are pooled matters to their prior alone; they are "free" here.

        Raises
        ------
        SpecError
            If `lags` was left open and the intervals are unequal.
        """
        if self.lags_by_interval:
            return "free"
        if self.lags is not None:
            return self.lags
        if equal_intervals(times):
            return "equal"
        raise SpecError(_UNEQUAL.format(intervals=_intervals_in_words(times)))

    def problems_with(self, times: tuple[float, ...]) -> list[str]:
        """Why the model is not identified, or not defined, at these times; empty when it is.

        Parameters
        ----------
        times
            Times of the waves, increasing, in the panel's unit.
        """
        problems = []
        if len(times) < self.fewest_waves:
            problems.append(
                f"{self._a_title(capital=True)} needs at least {self.fewest_waves} waves; there are {len(times)}. "
                f"{self._why_waves()}"
            )
        if self.lags is None and not equal_intervals(times):
            problems.append(_UNEQUAL.format(intervals=_intervals_in_words(times)))
        if self.lags == "grid" and len(times) > 1:
            step = base_step(times)
            if step is None or sum(steps_per_interval(times)) > MOST_STEPS:
                problems.append(
                    f"lags='grid' needs intervals that are whole multiples of a common step, at most {MOST_STEPS} "
                    f"steps from the first wave to the last; the intervals are {_intervals_in_words(times)}. "
                    "Use lags='free' or 'continuous'."
                )
        intervals = interval_names(times)
        for path in (*self.remove, *(path for group in self.equal for path in group)):
            _, comma, interval = path.partition(", ")
            if comma and interval not in intervals:
                problems.append(f"'{path}' names no interval of these waves; they are {quoted(intervals)}.")
            elif comma and self.lags is None:
                problems.append(f"'{path}' names one interval, which needs lags='free'.")
        if self.lag_2 and len(times) < 3:
            problems.append("lag_2 needs three waves or more.")
        for name, family in self.families.items():
            if isinstance(family.amount, tuple) and len(family.amount) != len(times):
                problems.append(
                    f"families: {family.amount_option} of '{name}' has {len(family.amount)} numbers; there are "
                    f"{len(times)} waves."
                )
        return problems

    def _a_title(self, *, capital: bool = False) -> str:
        words = with_article(self.title)
        return words[0].upper() + words[1:] if capital else words

    def _why_waves(self) -> str:
        return "Without them its lagged effects are not identified."

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What a reader must believe before a lagged effect means more than prediction.

        Sentences in four groups, which each knows as ``.about``: measurement ``"error"``, what else an effect's
        ``"meaning"`` rests on, how ``"missing"`` values and states are treated, and how the ``"model"`` is built.
        """
        first = (
            (
                "A measure that does not exist for a person at a wave (its state is off) is treated as existing but "
                "unseen, missing at random.",
            )
            if self.nonexistent == "as_missing"
            else ()
        )
        error = self._error_assumptions()
        return (*error, *first, *self._model_assumptions(), *self._option_assumptions(), *self._shared_assumptions())

    @property
    def without_error(self) -> tuple[str, ...]:
        """Measures whose values have no measurement error in the model."""
        with_error = self.measures if self.error else (*self.random_families, *self.reliability, *self.indicators)
        return tuple(name for name in self.measures if name not in with_error)

    def _error_assumptions(self) -> Iterable[str]:
        if names := self.without_error:
            verb = "is" if len(names) == 1 else "are"
            yield Assumption(f"{quoted(names)} {verb} measured without error. {ERROR_EXAMPLE}", "error")

    def _shared_assumptions(self) -> Iterable[str]:
        of_predictors = " on the scale of linear predictors" if self.random_families else ""
        driven = "both" if len(self.measures) == 2 else "two of the"
        yield f"No unmeasured cause that changes with time drives {driven} measures; see ab.sensitivity."
        yield "The lag that matters is the interval between waves: nothing faster or slower confounds it."
        yield f"Effects are linear{of_predictors} and the same for every person; measures keep their meaning over time."
        yield _REST_AT_RANDOM if self.selection else MISSING_AT_RANDOM
        yield Assumption(
            "Within-person parts and random intercepts are normal, and people do not affect each other.", "model"
        )

    def _model_assumptions(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _option_assumptions(self) -> Iterable[str]:
        if self.lags == "continuous":
            yield Assumption(
                "One drift holds at every moment between the first wave and the last, also where nobody was asked.",
                "model",
            )
        if self.group_lags == "pooled":
            yield Assumption(
                "Groups are exchangeable: their lagged effects are draws from one normal distribution.", "model"
            )
        for name in self.covariates:
            if name in self.predetermined:
                yield f"'{name}' may depend on earlier waves of the measures, but on none of their later innovations."
            else:
                yield f"'{name}' is exogenous: no innovation of a measure, earlier or later, moves it."
        for path, name in self.moderated.items():
            yield f"'{name}' changes '{path}' linearly and was not affected by the measures."
        for name, value in self.reliability.items():
            yield Assumption(
                f"The reliability of '{name}', {number(value)}, is known and the same at every wave.", "model"
            )
        if self.indicators:
            yield Assumption(
                f"Indicators measure the same construct at every wave ({self.invariance} invariance).", "model"
            )
        yield from latent_assumptions(self)

    def __str__(self) -> str:
        lags = "equal where intervals are" if self.lags is None else _LAGS_IN_WORDS.get(self.lags, self.lags)
        words = [
            f"{self.title} of {in_words(self.measures)}; lagged effects {lags}, residual covariances "
            f"{self.residuals}, means {self.means}"
        ]
        words += [f"fixed at 0: {', '.join(self.remove)}"] if self.remove else []
        words += [f"equal: {' = '.join(group)}" for group in self.equal]
        words += [f"with a lag of two waves: {', '.join(self.lag_2)}"] if self.lag_2 else []
        words += [f"{name} on {' and '.join(t.replace('_', ' ') for t in to)}" for name, to in self.covariates.items()]
        words += [f"{path} moderated by {name}" for path, name in self.moderated.items()]
        words += [f"reliability of {name} {number(value)}" for name, value in self.reliability.items()]
        words += [f"{name} measured by {in_words(list(items))}" for name, items in self.indicators.items()]
        words += [f"{self.invariance} invariance"] if self.indicators else []
        words += [f"lags of groups {self.group_lags}"] if self.group_lags else []
        words += [f"{name} as {family.in_words}" for name, family in self.random_families.items()]
        words += [str(self.state)] if self.state is not None else []
        words += [str(each) for each in self.selection]
        return "; ".join(words)

    def _repr_html_(self) -> str:
        return html_of(self)


_LAGS_IN_WORDS = {"continuous": "from a continuous drift", "equal_standardized": "equal when standardised"}

_REST_AT_RANDOM = Assumption(
    "What no selection model is about is missing at random given the observed measures and waves.", "missing"
)

_UNEQUAL = (
    "The intervals between waves are unequal ({intervals}), so one lagged effect for all of them has no single "
    "meaning. Choose lags='grid' (one effect per base step), lags='continuous' (one drift), lags='free' (one per "
    "interval), or give lags='equal' to accept this."
)


def _by_name(option: str, value: object, problems: Problems, example: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problems.add(f"{option} must be a table such as {example}; got {shown(value)}.")
        return {}
    return dict(value)


def _check_names(names: Sequence[str], what: str, problems: Problems) -> None:
    repeated = sorted({name for name in names if isinstance(name, str) and names.count(name) > 1})
    if repeated:
        problems.add(f"{what.capitalize()}s named twice: {quoted(repeated)}.")
    for name in names:
        if not isinstance(name, str) or not name:
            problems.add(f"A {what} needs a name; got {shown(name)}.")
        elif "->" in name or "," in name:
            problems.add(f"The {what} name '{name}' contains '->' or ',', which separate names here; rename it.")
        elif name != name.strip():
            problems.add(f"The {what} name '{name}' begins or ends with a space; rename it.")


def _paths_in(
    option: str, paths: object, measures: Sequence[str], problems: Problems, *, over_an_interval: bool = False
) -> list[str]:
    """Lagged paths in their one spelling, those that are none noted."""
    given = entries(paths, ordered=False)
    if given is None:
        problems.add(f"{option} must be a list of paths, such as ['x -> y']; got {shown(paths)}.")
        return []
    canonical: list[str] = []
    for path in given:
        plain, comma, interval = path.partition(",") if isinstance(path, str) else ("", "", "")
        pair = split_path(plain)
        if pair is None or (comma and not over_an_interval):
            problems.add(f"{option}: {shown(path)} is not a lagged path; write 'predictor -> outcome'.")
            continue
        unknown = [name for name in dict.fromkeys(pair) if name not in measures]
        for name in unknown:
            problems.add(
                f"{option}: '{path}' names '{name}', which is not a measure{choices(name, measures, 'Measures')}"
            )
        name = lagged_path(*pair) + (f", {interval.strip()}" if comma else "")
        if not unknown and name in canonical:
            problems.add(f"{option}: '{name}' is {'removed' if option == 'remove' else 'named'} twice.")
        canonical.append(name)
    return canonical


def _place(path: str, measures: Sequence[str]) -> tuple[list[int], str]:
    """Position of a path among all: by outcome, then predictor, then interval; names that are no measures come last."""
    plain, _, interval = path.partition(", ")
    ends = reversed(plain.split(ARROW))
    return [measures.index(name) if name in measures else len(measures) for name in ends], interval


def _intervals_in_words(times: tuple[float, ...]) -> str:
    return ", ".join(number(later - earlier) for earlier, later in pairwise(times))
