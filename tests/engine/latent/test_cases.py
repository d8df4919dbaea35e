"""Responses of every case: what people answered, the state as the case has it, and who was seen."""

from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.registry import CODES
from latent_people import NAMES, people

NAN = np.nan
EFFECT = ab.Normal(0, 0.5)
STATES = np.array([[1, 1, 0], [0, NAN, 1], [1, NAN, NAN], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
INTERVIEWED = np.ones((6, 3), dtype=bool)
INTERVIEWED[2, 2] = False


def panel_of_six(**options):
    """Alliance while there is a sponsor; visits and two items; at a few places nobody answered."""
    rng = np.random.default_rng(2)
    values = np.empty((6, 3, 4))
    values[:, :, 0] = rng.normal(size=(6, 3))
    values[:, :, 1] = rng.poisson(3, size=(6, 3))
    values[:, :, 2:] = rng.integers(1, 4, size=(6, 3, 2))
    values[STATES != 1, 0] = NAN
    values[0, 1, 0] = values[3, 2, 1] = values[4, 0, 2] = NAN
    values[5, 1, 2:] = NAN
    values[2, 2] = NAN
    return ab.Panel.from_arrays(
        values,
        measures=["alliance", "visits", "item1", "item2"],
        times=[0, 1, 2],
        requires={"alliance": "sponsor"},
        states={"sponsor": STATES},
        interviewed=INTERVIEWED,
    )


def rows_of(model):
    """For each case the responses as a set of (position, family, value)."""
    words = {code: word for word, code in CODES.items()}
    responses = model.responses
    found = [set() for _ in model.cases.person]
    for case, position, code, value in zip(
        responses.case, responses.position, responses.code, responses.value, strict=True
    ):
        found[case].add((int(position), words[int(code)], float(value)))
    assert len(responses.case) == sum(map(len, found)) + twice(responses)
    return found


def twice(responses):
    """Answers to two items of one scale that are the same."""
    keys = list(zip(responses.case, responses.position, responses.value, strict=True))
    return len(keys) - len(set(keys))


SPONSOR = ab.State("sponsor", required_by=["alliance"])
MEASURES = ["alliance", "visits"]


def test_the_state_is_what_the_case_says_and_answers_are_the_same_in_each():
    spec = ab.RICLPM(MEASURES, lags="equal", families={"visits": ab.Count()}, state=SPONSOR)
    panel = panel_of_six()
    model = panel_model(spec, panel)
    histories = model.design.histories
    assert model.cases.person.tolist() == [0, 1, 1, 2, 2, 3, 4, 5]
    visits = panel.values[:, :, 1]
    for case, found in enumerate(rows_of(model)):
        person = model.cases.person[case]
        waves = np.flatnonzero(~np.isnan(visits[person]))
        expected = {(2 * int(wave) + 1, "count", visits[person, wave]) for wave in waves}
        told = range(2) if person == 2 else range(3)  # nothing is known of the third after the second wave
        expected |= {(6 + wave, "occurrence", float(histories.state[case, wave] != 0)) for wave in told}
        assert found == expected


def test_interviews_count_from_the_second_wave_and_answers_where_they_could_be_given():
    seen = [
        ab.Selection("interview", before=["scale"]),
        ab.Selection("alliance", on=["alliance"], effect=EFFECT),
        ab.Selection("scale"),
    ]
    items = {"scale": ab.Items(["item1", "item2"], 3)}
    spec = ab.RICLPM(["alliance", "scale"], lags="equal", families=items, state=SPONSOR, selection=seen)
    panel = panel_of_six()
    model = panel_model(spec, panel)
    alliance, scale = panel.values[:, :, 0], panel.values[:, :, 2:]
    assert (np.bincount(model.cases.person) == [1, 2, 4, 1, 1, 1]).all()
    for case, found in enumerate(rows_of(model)):
        person, history = model.cases.person[case], model.design.histories.state[case]
        expected = {(6 + wave, "occurrence", float(history[wave] != 0)) for wave in range(3)}
        for wave in range(3):
            if wave > 0:
                expected.add((9 + wave, "occurrence", float(INTERVIEWED[person, wave])))
            if INTERVIEWED[person, wave] and history[wave] != 0:
                expected.add((12 + wave, "occurrence", float(not np.isnan(alliance[person, wave]))))
            if INTERVIEWED[person, wave]:
                expected.add((15 + wave, "occurrence", float((~np.isnan(scale[person, wave])).any())))
            for item in (0, 1):
                if not np.isnan(scale[person, wave, item]):
                    expected.add((2 * wave + 1, "ordinal_probit", scale[person, wave, item] - 1))
        assert found == expected


def test_someone_of_whom_nothing_is_known_is_one_case_without_responses():
    values = np.random.default_rng(3).poisson(2.0, size=(12, 3, 2)).astype(float)
    states = np.tile([[0, 1, 1], [1, 0, 1], [1, 1, 0]], (4, 1)).astype(float)
    values[4], states[4] = NAN, NAN
    values[:, :, 0] = np.where(states == 1, values[:, :, 0], NAN)
    panel = ab.Panel.from_arrays(
        values, measures=MEASURES, times=[0, 1, 2], requires={"alliance": "sponsor"}, states={"sponsor": states}
    )
    model = panel_model(ab.CLPM(MEASURES, families={"visits": ab.Count()}, state=SPONSOR), panel)
    assert model.cases.person.tolist() == list(range(12))
    assert rows_of(model)[4] == set()
    assert not model.has_value[4]
    assert model.n_persons == 11
    assert 4 not in model.latent_data.person


def test_a_window_that_is_all_that_is_known_of_an_interview_is_refused():
    """Nobody can tell whether that interview was held; it would count as one with a selection."""
    panel = people(30, 3, dropout=True, seed=7)
    chosen = [NAMES.index(name) for name in ("trust", "days", "window")]
    values = panel.values[:, :, chosen].copy()
    gone = np.isnan(values[:, :, 1])
    values[gone, 2] = 30
    panel = ab.Panel.from_arrays(values, measures=["trust", "days", "window"], times=panel.times)
    seen = ab.Selection("interview", on=["days"], effect=ab.Normal(0, 0.5))
    spec = ab.RICLPM(["trust", "days"], lags="equal", families={"days": ab.Days("window")}, selection=[seen])
    with pytest.raises(ab.PanelError) as caught:
        panel_model(spec, panel)
    assert str(caught.value) == (
        f"For {gone.sum()} interviews nothing is known except 'window', first 3 at 9: a selection cannot tell whether "
        "they were held. Leave that out where nobody was interviewed."
    )
    panel_model(replace(spec, selection=()), panel)
