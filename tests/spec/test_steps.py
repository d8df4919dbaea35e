"""Intervals, and the base step that they are multiples of."""

import pytest

from alliance_bayes.spec.steps import base_step, equal_intervals, interval_names, steps_per_interval, whole_steps


@pytest.mark.parametrize(
    ("times", "step", "steps"),
    [
        ((3, 6, 12), 3.0, (1, 2)),
        ((0, 1, 2, 3), 1.0, (1, 1, 1)),
        ((0, 0.5, 1.25), 0.25, (2, 3)),
        ((0, 0.1, 0.3, 0.6), 0.1, (1, 2, 3)),
        ((-6, 0, 9), 3.0, (2, 3)),
        ((1980, 1981, 1987), 1.0, (1, 6)),
        ((0, 7, 12), 1.0, (7, 5)),
        ((0, 1 / 3, 1), 1 / 3, (1, 2)),
    ],
)
def test_base_step(times, step, steps):
    assert base_step(times) == pytest.approx(step, rel=1e-12)
    assert steps_per_interval(times) == steps


@pytest.mark.parametrize("times", [(0, 1, 1 + 2**0.5), (0, 1, 1.0001)])
def test_no_base_step(times):
    assert base_step(times) is None
    with pytest.raises(ValueError, match="the intervals have no common step"):
        steps_per_interval(times)


@pytest.mark.parametrize(
    ("times", "equal"),
    [((0, 1), True), ((6, 12, 18), True), ((3, 6, 12), False), ((0, 0.1, 0.2, 0.3), True), ((0, 1, 2.001), False)],
)
def test_equal_intervals(times, equal):
    assert equal_intervals(times) is equal


def test_names():
    assert interval_names((3, 6.0, 12.5)) == ("3 to 6", "6 to 12.5")
    assert interval_names((0,)) == ()


@pytest.mark.parametrize(
    ("length", "step", "steps"),
    [(9, 3, 3), (4, 3, None), (0.3, 0.1, 3), (0.2, 3, None), (0, 1, None), (-3, 3, None), (float("inf"), 1, None)],
)
def test_whole_steps(length, step, steps):
    assert whole_steps(length, step) == steps
