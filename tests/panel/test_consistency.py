"""Cronbach's alpha of a panel's items, and what has none."""

import numpy as np
import pytest

import alliance_bayes as ab

VARIED = np.arange(16.0).reshape(4, 2, 2) % 5


def panel_of(answers):
    answers = np.asarray(answers, dtype=float)
    names = [f"item_{place}" for place in range(1, answers.shape[2] + 1)]
    return ab.Panel.from_arrays(answers, measures=names, times=range(answers.shape[1]))


def test_alpha_of_parallel_items_is_their_reliability():
    """Three items with reliability .5 each: 3 * .5 / (1 + 2 * .5) = .75, whatever the means of the times."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(20_000, 2, 1))
    answers = shared + rng.normal(size=(20_000, 2, 3)) + np.array([0.0, 5.0])[:, None]
    answers[:, 1, 2][:5_000] = np.nan
    found = ab.internal_consistency(panel_of(answers), ["item_1", "item_2", "item_3"])
    assert found.table["persons"].tolist() == [20_000, 15_000]
    assert found.alpha == pytest.approx(0.75, abs=0.01)
    np.testing.assert_allclose(found.table["alpha"], 0.75, atol=0.01)
    np.testing.assert_allclose(found.without["alpha"], 2 / 3, atol=0.01)


def test_an_item_that_does_not_belong_is_named():
    rng = np.random.default_rng(4)
    shared = rng.normal(size=(200, 2, 1))
    answers = np.concatenate([shared + rng.normal(size=(200, 2, 2)), -shared + rng.normal(size=(200, 2, 1))], axis=2)
    found = ab.internal_consistency(panel_of(answers), ["item_1", "item_2", "item_3"])
    assert found.without["alpha"].idxmax() == "item_3"
    assert f"Without 'item_3' it would be {found.without['alpha'].max():.3f}.".replace("0.", ".") in str(found)


def test_every_name_that_is_no_item_is_told():
    with pytest.raises(ab.PanelError) as caught:
        ab.internal_consistency(panel_of(VARIED), ["item1", "item_2", "item_9"])
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0] == "No measure 'item1'; did you mean 'item_1'? Measures: 'item_1', 'item_2'."


@pytest.mark.parametrize("items", ["item_1", ["item_1"], ["item_1", "item_1"]])
def test_one_item_is_not_a_scale(items):
    with pytest.raises(ab.PanelError, match="items must be a list of 2 or more different measures"):
        ab.internal_consistency(panel_of(VARIED), items)


def test_items_that_nobody_answered_together_have_no_alpha():
    answers = VARIED.copy()
    answers[2:, :, 0] = np.nan
    answers[:2, :, 1] = np.nan
    with pytest.raises(ab.PanelError, match="or all gave the same answers: 0 complete answers of 4 persons"):
        ab.internal_consistency(panel_of(answers), ["item_1", "item_2"])
