"""What is printed of a fit: its lagged effects, and the assumptions that answers do not repeat."""

from collections.abc import Iterator

import xarray as xr

from ..basics.assumptions import HEADINGS, assumptions_about
from ..basics.names import number, split_path
from ..basics.text_tables import TextTable
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .summaries import Probability, above, average_by_length, interval, interval_name, share
from .without_prior import HEADS, WithoutPrior, with_error

__all__ = ["assumptions_in_words", "lagged_effects"]

SAMPLE = ("chain", "draw")


def lagged_effects(
    posterior: xr.Dataset, spec: CrossLagged, panel: Panel, without: WithoutPrior | None = None
) -> TextTable:
    """Standardised lagged effects, those between measures first, and the same without any prior or a wide one.

    One row for each interval where effects are free, otherwise the average over the intervals of each length.
    """
    effects = _by_row(posterior, spec, panel)
    lower, upper = (bound.to_numpy() for bound in interval(effects, *SAMPLE))
    n_draws = effects.sizes["chain"] * effects.sizes["draw"]
    positive = share(above(effects, 0), *SAMPLE).to_numpy().tolist()
    columns = {
        "Lagged effects, SD per SD": [", ".join(map(str, row)) for row in effects.indexes["row"]],
        "mean": [f"{mean:.2f}" for mean in effects.mean(SAMPLE).to_numpy()],
        interval_name(): [f"[{low:.2f}, {high:.2f}]" for low, high in zip(lower, upper, strict=True)],
        "P(effect > 0)": [str(Probability(value, 0.0, n_draws)) for value in positive],
    }
    if without is not None:
        rows = _by_row(without.draws, spec, panel)
        columns[HEADS[without.by]] = [
            with_error(*without.estimate(rows.isel(row=row))) for row in range(rows.sizes["row"])
        ]
    return TextTable.of(columns)


def _by_row(draws_of_all: xr.Dataset, spec: CrossLagged, panel: Panel) -> xr.DataArray:
    """Effects along a dimension ``row``, labelled by path, what they are over, and group."""
    draws = draws_of_all["lagged_standardized"]
    if spec.lags_for(panel.times) == "free":
        draws = draws.rename(interval="over")
    else:
        draws = average_by_length(draws, [number(round(length, 9)) for length in panel.intervals])
        draws = draws.rename(length="over")
    free = [path for path in draws["path"].to_numpy() if path not in spec.remove]
    draws = draws.sel(path=sorted(free, key=_carries_over))
    dims = ["path", *(dim for dim in ("over", "group") if draws.sizes.get(dim, 1) > 1)]
    single = [dim for dim in draws.dims if dim not in (*SAMPLE, *dims)]
    return draws.squeeze(single, drop=True).stack(row=dims)


def _carries_over(path: str) -> bool:
    predictor, outcome = split_path(path) or ("", "")
    return predictor == outcome


def assumptions_in_words(spec: CrossLagged) -> Iterator[str]:
    """How missing values and states are treated, and how the model is built."""
    for about, heading in HEADINGS.items():
        sentences = assumptions_about(spec.assumptions, about)
        if sentences:
            yield from (heading, *(f"  {sentence}" for sentence in sentences))
