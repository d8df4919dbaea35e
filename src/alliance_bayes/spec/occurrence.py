"""What may or may not be there: a state that comes and goes, and whether people are interviewed and answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..basics.distributions import Normal, prior_from_mapping, prior_problems
from ..basics.given import entries, is_number, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import Problems, SpecError

__all__ = ["INTERVIEW", "Selection", "State", "occurrence_from_mapping"]

INTERVIEW = "interview"


@dataclass(frozen=True)
class State:
    """A yes/no state of persons that comes and goes, such as having a sponsor, with regressions of its own.

    With S_t 1 while the state is on, d a measure's deviation from its mean (random intercept and
    within-person part) and c a person's covariate in SDs, both of those named,

    - at the first wave ``logit P(S_1 = 1) = intercept + slopes' c``,
    - ``logit P(S_t = 1 | S_t-1 = 0) = intercept_t + slopes' (d_t-1, c)``: `acquire`,
    - ``logit P(S_t = 1 | S_t-1 = 1) = intercept_t + slopes' (d_t-1, c)``: `keep`.

    A measure that requires the state exists only while it is on. Where it is on at both ends of an
    interval the measure carries over; where it comes on, the measure restarts; where it goes off, the
    measure acts once more and ends.

    Parameters
    ----------
    name
        The measure of the panel that holds it: 1 where it is on, 0 where it is off.
    required_by
        Measures of the model that exist only while it is on.
    first
        Covariates of persons that predict it at the first wave.
    acquire, keep
        Measures, whose deviation one wave before acts, and covariates of persons.
    acts_on
        Measures whose value is shifted while it is on, at the same wave.
    same
        Probability that a state that is kept is the same and not a new one, in (0, 1]; with a new one what
        requires it restarts. The data do not identify it: vary it to see what depends on it.
    intercept, slope
        Priors of the regressions: log odds, per SD of the predictor.
    effect
        Prior of the shift of what it acts on, and of where what requires it restarts (its mean above that of
        the wave), in SDs of the measure.

    Raises
    ------
    SpecError
        If something is not valid; all problems at once.

    Examples
    --------
    >>> print(State("sponsor", required_by=["alliance"], keep=["alliance"], acts_on=["days"]))
    state sponsor, required by alliance, kept by alliance, acts on days
    """

    name: str
    required_by: Sequence[str] = ()
    first: Sequence[str] = ()
    acquire: Sequence[str] = ()
    keep: Sequence[str] = ()
    acts_on: Sequence[str] = ()
    same: float = 1.0
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    slope: Normal = field(default=Normal(0.0, 0.5), kw_only=True)
    effect: Normal = field(default=Normal(0.0, 0.5), kw_only=True)

    def __post_init__(self) -> None:
        problems = Problems(f"This state {shown(self.name)} is not valid")
        if not isinstance(self.name, str) or not self.name:
            problems.add(f"A state needs a name; got {shown(self.name)}.")
        for option in ("required_by", "first", "acquire", "keep", "acts_on"):
            _read_names(self, option, problems)
        for prior in ("intercept", "slope", "effect"):
            for problem in prior_problems(prior, getattr(self, prior), (Normal,)):
                problems.add(problem)
        if not is_number(self.same) or not 0 < self.same <= 1:
            problems.add(f"same must be a probability above 0, at most 1; got {shown(self.same)}.")
        else:
            object.__setattr__(self, "same", float(self.same))
            if self.same < 1 and not self.required_by:
                problems.add(
                    f"same={number(self.same)} says how often what requires the state restarts, and nothing does. "
                    "Name the measures in required_by, or leave same out."
                )
        problems.raise_as(SpecError)

    @property
    def predictors(self) -> tuple[str, ...]:
        """Measures and covariates in its regressions, each once."""
        return tuple(dict.fromkeys([*self.first, *self.acquire, *self.keep]))

    @property
    def priors(self) -> dict[str, Normal]:
        """Its priors by option, those that are used."""
        used = {"intercept": True, "slope": bool(self.predictors), "effect": bool(self.acts_on or self.required_by)}
        return {name: getattr(self, name) for name, is_used in used.items() if is_used}

    def __str__(self) -> str:
        words = [f"state {self.name}"]
        words += [f"required by {in_words(self.required_by)}"] if self.required_by else []
        words += [f"at first by {in_words(self.first)}"] if self.first else []
        words += [f"acquired by {in_words(self.acquire)}"] if self.acquire else []
        words += [f"kept by {in_words(self.keep)}"] if self.keep else []
        words += [f"acts on {in_words(self.acts_on)}"] if self.acts_on else []
        words += [f"the same one with probability {number(self.same)} where kept"] if self.same < 1 else []
        return ", ".join(words)


@dataclass(frozen=True)
class Selection:
    """Who is interviewed, or who answers, as a regression of its own: for values not missing at random.

    ``logit P(there) = intercept_t + effects' d_t + slopes' d_t-1`` with d a measure's deviation from its mean,
    observed or not: `on` at the same wave, `before` one wave before [1]_. Missing values hardly inform on what they
    depends on, so that the prior of the effect, and not the data, identifies it.

    Parameters
    ----------
    of
        ``"interview"``: whether a person is interviewed at a wave; or a measure of the model: whether it is
        answered by those interviewed for whom it exists.
    on
        Measures whose deviation at the same wave acts.
    before
        Measures whose deviation one wave before acts.
    effect
        Prior of the effects of `on`: log odds per SD of the measure. Needed with `on`.
    slope, intercept
        Priors of the effects of `before`, and of the log odds at each wave.

    Raises
    ------
    SpecError
        If something is not valid; all problems at once.

    References
    ----------
    .. [1] Diggle & Kenward (1994). Informative drop-out in longitudinal data analysis. Applied Statistics 43,
       49-93.

    Examples
    --------
    >>> print(Selection("interview", on=["days"], before=["days"], effect=Normal(0.5, 0.25)))
    selection of interviews by days, effect Normal(0.5, 0.25), and by days one wave before
    """

    of: str
    on: Sequence[str] = ()
    before: Sequence[str] = ()
    effect: Normal | None = field(default=None, kw_only=True)
    slope: Normal = field(default=Normal(0.0, 0.5), kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)

    def __post_init__(self) -> None:
        problems = Problems(f"This selection of {shown(self.of)} is not valid")
        if not isinstance(self.of, str) or not self.of:
            problems.add(f"of must be 'interview' or the name of a measure; got {shown(self.of)}.")
        for option in ("on", "before"):
            _read_names(self, option, problems)
        for prior in ("slope", "intercept"):
            for problem in prior_problems(prior, getattr(self, prior), (Normal,)):
                problems.add(problem)
        if self.effect is not None:
            for problem in prior_problems("effect", self.effect, (Normal,)):
                problems.add(problem)
        if self.on and self.effect is None:
            problems.add(
                f"on={list(self.on)} needs effect=ab.Normal(mean, sd), log odds per SD: the data do not "
                "identify the effect of unobserved values, so the prior decides."
            )
        if not self.on and self.effect is not None:
            problems.add(f"effect={self.effect} is the prior of what `on` names, and it names nothing.")
        problems.raise_as(SpecError)

    @property
    def first_wave(self) -> int:
        """Position of the first wave that it is about: an interview's is the second, answers' the first."""
        return 1 if self.of == INTERVIEW else 0

    @property
    def in_words(self) -> str:
        """What is there or not: "interviews", or "answers to" a measure."""
        return "interviews" if self.of == INTERVIEW else f"answers to {self.of}"

    @property
    def priors(self) -> dict[str, Normal]:
        """Its priors by option, those that are used."""
        effect = {} if self.effect is None else {"effect": self.effect}
        return effect | ({"slope": self.slope} if self.before else {}) | {"intercept": self.intercept}

    def __str__(self) -> str:
        words = [f"by {in_words(self.on)}, effect {self.effect},"] if self.on else []
        words += [f"by {in_words(self.before)} one wave before"] if self.before else []
        return f"selection of {self.in_words}{' ' if words else ''}{' and '.join(words).rstrip(',')}"


def occurrence_from_mapping[Kind: (State, Selection)](kind: type[Kind], mapping: object) -> Kind:
    """Read a state or a selection as a model file writes it; the inverse of `options_to_mapping`.

    Raises
    ------
    SpecError
        If an option is unknown, missing or invalid; all problems at once.

    Examples
    --------
    >>> occurrence_from_mapping(State, {"name": "sponsor", "acts_on": ["days"]}) == State("sponsor", acts_on=["days"])
    True
    """
    what, (first, *_) = kind.__name__.lower(), fields(kind)
    needed = first.name
    if not isinstance(mapping, Mapping):
        raise SpecError(f"A {what} must be a table with the key '{needed}'; got {shown(mapping)}.")
    label = f"{what} {mapping[needed]!r}" if needed in mapping else what
    problems = Problems(f"The {label} cannot be read")
    known = [option.name for option in fields(kind)]
    options: dict[str, Any] = {}
    for name, value in mapping.items():
        if name not in known:
            problems.add(f"No option is called '{name}'{choices(name, known, 'Options')}")
        elif name in ("intercept", "slope", "effect"):
            with problems.collecting():
                options[name] = prior_from_mapping(name, value)
        else:
            options[name] = value
    if needed not in mapping:
        problems.add(f"{needed} is missing.")
    problems.raise_as(SpecError)
    return kind(**options)


def _read_names(given: State | Selection, option: str, problems: Problems) -> None:
    """Keep a list of names as a tuple, or note that it is none."""
    names = getattr(given, option)
    read = entries(names)
    if read is None or not all(isinstance(name, str) and name for name in read):
        problems.add(f"{option} must be a list of names, such as ['alliance']; got {shown(names)}.")
        object.__setattr__(given, option, ())
        return
    repeated = sorted({name for name in read if read.count(name) > 1})
    if repeated:
        problems.add(f"{option} names {quoted(repeated)} twice.")
    object.__setattr__(given, option, read)
