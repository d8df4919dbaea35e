"""The verdict on direction, and the sentences on why it is not more or what makes it doubtful."""

from collections.abc import Iterator, Mapping

import xarray as xr

from ..basics.names import in_words, quoted
from ..posterior.health import Diagnostics
from ..posterior.summaries import above, below, probability
from .answer import untrusted
from .directionality_effects import SIDES, Effects

__all__ = ["doubts_about_sizes", "verdict_on"]

UNEQUAL = 0.15
"""Relative difference of two posterior SDs from which a contest of sizes is not a fair one."""
NO_SPREAD = 1e-12


def verdict_on(effects: Effects, health: Diagnostics) -> tuple[str, tuple[str, ...]]:
    """The first event of which the draws are certain enough, or "undecided", with the reasons."""
    if not health.healthy:
        return "undecided", untrusted(health)
    signs = effects.signs
    reached = {event for event, (after, _) in effects.events.items() if after.reaches(effects.certainty)}
    if "practically none" in reached:
        return "practically none", ()
    leads = dict(zip(list(effects.events)[:2], effects.paths, strict=True))
    if "both" in reached and len(signs) == len(SIDES):
        stronger = tuple(f"{path} is the stronger." for event, path in leads.items() if event in reached)
        return "both", stronger or ("Neither is stronger with enough certainty.",)
    for event, path in leads.items():
        if event in reached and path in signs:
            return event, ()
    if not signs:
        return "undecided", ("No sign is settled.",)
    settled = in_words([f"{path} is {word}" for path, word in signs.items()])
    return "undecided", (f"Settled: {settled}. The sizes are not.",)


def doubts_about_sizes(
    effects: Mapping[str, Effects], asked: Effects, by_interval: xr.Dataset, verdict: str
) -> tuple[str, ...]:
    """Sentences on a verdict that is the prior's, on contradictions between intervals, and on an unfair contest."""
    return (
        *_known_before(asked, verdict),
        *_opposite_intervals(asked, by_interval),
        *_opposite_lengths(effects, asked.paths),
        *_unequal(asked),
    )


def _known_before(effects: Effects, verdict: str) -> tuple[str, ...]:
    """A warning where the prior alone gives the verdict's event the certainty that was asked for."""
    before = effects.events[verdict][1] if verdict in effects.events else None
    if before is None or not before.value >= effects.certainty:
        return ()
    return (
        f"Before the data P({verdict}) was {before} already: at this lag and margin the verdict is hardly the data's.",
    )


def _unequal(effects: Effects) -> tuple[str, ...]:
    """A warning where a contest of sizes is not a fair one."""
    small, large = sorted(effects.sds)
    if not large > max((1 + UNEQUAL) * small, NO_SPREAD):
        return ()
    vague = effects.paths[effects.sds.index(large)]
    return (
        f"The effects are estimated unequally well (posterior SDs {effects.sds[0]:.2g} and {effects.sds[1]:.2g}): even "
        f"if both were 0, {vague} would be the larger more often. Read the signs before the contest of sizes.",
    )


def _opposite_intervals(asked: Effects, posterior: xr.Dataset) -> Iterator[str]:
    if posterior.sizes["interval"] == 1:
        return
    for side, path in zip(SIDES, asked.paths, strict=True):
        effect = posterior[side]
        shares = {str(name): effect.sel(interval=name) for name in effect["interval"].values}
        positive = [name for name, of in shares.items() if probability(above(of, 0)).reaches(asked.certainty)]
        negative = [name for name, of in shares.items() if probability(below(of, 0)).reaches(asked.certainty)]
        if positive and negative:
            yield (
                f"Intervals disagree: {path} is positive over {quoted(positive)} and negative over {quoted(negative)}, "
                "so the average hides both."
            )


def _opposite_lengths(effects: Mapping[str, Effects], paths: tuple[str, str]) -> Iterator[str]:
    """Sentences where lengths contradict each other, in the order of sizes or in a sign."""
    leads = {
        length: [
            path for path, event in zip(paths, one.events, strict=False) if one.events[event][0].reaches(one.certainty)
        ]
        for length, one in effects.items()
    }
    larger = [in_words([length for length, of in leads.items() if path in of]) for path in paths]
    if all(larger):
        yield (
            f"Which effect is the larger depends on the lag: {paths[0]} over {larger[0]}, {paths[1]} over {larger[1]}."
        )
    for path in paths:
        positive, negative = (
            in_words([length for length, one in effects.items() if one.signs.get(path) == word])
            for word in ("positive", "negative")
        )
        if positive and negative:
            yield f"The sign depends on the lag: {path} is positive over {positive} and negative over {negative}."
