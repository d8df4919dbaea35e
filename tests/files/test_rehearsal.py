"""A file is refused by `check`, and by `run` before it samples, wherever its questions would be refused afterwards."""

import pytest

import alliance_bayes as ab
from alliance_bayes.files.kinds import panel_model

HEAD = 'format = 1\ntitle = "Which?"\n'
PANEL = '[panel]\nperson = "person"\ntime = "time"\nmeasures = ["x", "y"]\n'
TIMES = [0, 3, 6, 12]


@pytest.fixture(scope="module")
def frame():
    spec = ab.RICLPM(["x", "y"], lags="grid")
    truth = ab.Truth(spec, times=TIMES, carry_over=0.3, icc=0.5, within_correlation=0.2, between_correlation=0.3)
    return ab.simulate(truth, persons=60, seed=3).to_frame().assign(site=lambda rows: rows["person"] % 2)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A file with a model and a question; sampling is an error."""

    def file(question, model='kind = "riclpm"\nlags = "grid"', panel=""):
        path = tmp_path / "model.toml"
        path.write_text(f"{HEAD}{PANEL}{panel}\n[model]\n{model}\n[[question]]\n{question}\n")
        return ab.load(path)

    def sampled(*_, **__):
        raise AssertionError("sampled")

    monkeypatch.setattr(panel_model, "fit", sampled)
    monkeypatch.setattr("alliance_bayes.questions.scores.fit_model", sampled)
    monkeypatch.setattr("alliance_bayes.questions.robustness.fit", sampled, raising=False)
    return file


GROUPS = ('kind = "riclpm"\nlags = "grid"\ngroup_lags = "free"', 'group = "site"')
FREE = 'kind = "riclpm"\nlags = "free"'
MEDIATION = 'ask = "mediation"\ntreatment = "x"\nmediators = ["z"]\noutcome = "y"\n'


@pytest.mark.parametrize(
    ("question", "options", "problem"),
    [
        ('ask = "directionality"\nbetween = ["x", "y"]\ngroup = "2"', GROUPS, "no group '2'. Groups: '0', '1'"),
        ('ask = "check"\ngroup = "2"', GROUPS, "no group '2'"),
        ('ask = "maximum_likelihood"\ngroup = "2"', GROUPS, "no group '2'"),
        ('ask = "lag_curve"\nlongest = 1.0', (), "longest must be a lag of at least 3"),
        ('ask = "lag_curve"\nlongest = 20', (FREE,), "longest=20 lies beyond the observed intervals"),
        ('ask = "embeddability"', (FREE,), "has no effects of one common step"),
        ('ask = "forecast"\ntime = 4', (), "4"),
        ('ask = "leave_future_out"\nbetween = ["x", "y"]\ntime = 5', (), "time must be one of the waves after"),
        ('ask = "leave_future_out"\nbetween = ["x", "y"]\ntraining = "past"', (), "parameters of the later waves"),
        ('ask = "hypotheses"\nbetween = ["x", "y"]\ngroup = "a"', GROUPS, "no group 'a'"),
    ],
)  # fmt: skip
def test_what_run_would_refuse_is_refused_before_sampling(asked, frame, question, options, problem):
    file = asked(question, *options)
    for put in (file.check, file.fit):
        with pytest.raises(ab.SpecError) as caught:
            put(frame)
        assert "cannot be asked of this model and these data" in str(caught.value)
        assert problem in str(caught.value)


def test_horizons_of_mediation_are_checked_with_the_panel(tmp_path, asked, frame):
    three = frame.assign(z=frame["x"] + frame["y"].sample(frac=1, random_state=1).to_numpy())
    text = HEAD + PANEL.replace('"y"]', '"y", "z"]') + '[model]\nkind = "clpm"\nlags = "grid"\n'
    for horizon, problem in ((4, "horizon=4 is not a whole number of steps of 3"), (3, "one step")):
        path = tmp_path / f"h{horizon}.toml"
        path.write_text(f"{text}[[question]]\n{MEDIATION}horizon = {horizon}\n")
        with pytest.raises(ab.SpecError, match=problem):
            ab.load(path).check(three)


@pytest.mark.parametrize(
    "question",
    [
        'ask = "directionality"\nbetween = ["x", "y"]',
        'ask = "lag_curve"\nlongest = 9.0',
        'ask = "long_run_effects"',
        'ask = "hypotheses"\nbetween = ["x", "y"]',
        'ask = "bayes_factors"\nbetween = ["x", "y"]',
        'ask = "robustness"\nbetween = ["x", "y"]',
        'ask = "loo_pit"',
        'ask = "check"',
        'ask = "forecast"\ntime = 12',
        'ask = "maximum_likelihood"',
        'ask = "compare"\nbetween = ["x", "y"]',
        'ask = "leave_future_out"\nmodels = { pooled = { kind = "clpm" } }\ntime = 6',
        'ask = "embeddability"',
    ],
)
def test_what_can_be_asked_passes_without_a_draw(asked, frame, question):
    assert "free parameters can be fitted" in asked(question).check(frame)


OF_DIRECTION = '[[question]]\nask = "sensitivity"\nof = "directionality"'


@pytest.mark.parametrize(
    ("question", "model", "problem"),
    [
        ('ask = "directionality"\nbetween = ["x", "y"]', GROUPS, "say with group which one is asked about"),
        ('ask = "compare"', (), "Name models to compare with, in models, or two measures"),
        ('ask = "compare"\nmodels = { a = { lags = "both" } }', (), "models 'a': lags must be one of"),
        ('ask = "sensitivity"\nof = "mediation"', (), "must name an earlier question about the direction of one"),
        (
            f'ask = "directionality"\nbetween = ["x", "y", "z"]\n{OF_DIRECTION}',
            (),
            "must name an earlier question about the direction of one pair",
        ),
        (
            f'ask = "directionality"\nbetween = ["x", "y"]\n{OF_DIRECTION}\nrho = [0]',
            (),
            "'sensitivity' of 'directionality' has keys that are for mediation and regimes: 'rho'",
        ),
        (
            f'ask = "directionality"\nbetween = ["x", "y"]\n{OF_DIRECTION}\npersistence = 1',
            (),
            "persistence must be a number between 0 and 1; got 1",
        ),
        ('ask = "forecast"\ntime = 12\ngroup = "1"', (), "this model has no groups"),
    ],
)
def test_what_the_model_alone_rules_out_is_refused_when_the_file_is_read(asked, question, model, problem):
    with pytest.raises(ab.ModelFileError, match=problem):
        asked(question, *model)
