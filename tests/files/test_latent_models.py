"""Families, a state and selections in a model file: read, checked against the panel, and written back."""

import textwrap

import pytest

import alliance_bayes as ab

TEXT = """
    format = 1
    title = "Does the alliance with the sponsor lead days without alcohol?"

    [panel]
    person = "id"
    time = "month"
    times = [0, 3, 6]
    measures = ["alliance", "days", "window", "a1", "a2", "visits", "helped"]
    requires = { alliance = "sponsor" }
    covariates = ["commitment"]

    [model]
    kind = "riclpm"
    measures = ["alliance", "days", "trust", "visits"]
    lags = "equal"
    trait_loadings = "free"

    [model.families]
    visits = "count"

    [model.families.days]
    family = "days"
    window = "window"
    cuts = { induced_dirichlet = 2.0 }
    precision = { log_normal = [1.0, 0.5] }

    [model.families.trust]
    family = "items"
    items = ["a1", "a2"]
    categories = 5

    [model.state]
    name = "sponsor"
    required_by = ["alliance"]
    first = ["commitment"]
    acquire = ["days", "commitment"]
    keep = ["alliance"]
    acts_on = ["days"]
    same = 0.8
    slope = { normal = [0.0, 0.25] }

    [[model.selection]]
    of = "interview"
    on = ["days"]
    effect = { normal = [0.5, 0.25] }

    [[model.selection]]
    of = "alliance"
    before = ["alliance"]

    [priors]
    cross_lagged = { normal = [0.0, 0.3] }
    """
SPEC = ab.RICLPM(
    ["alliance", "days", "trust", "visits"],
    lags="equal",
    trait_loadings="free",
    families={
        "visits": ab.Count(),
        "days": ab.Days("window", cuts=ab.InducedDirichlet(2), precision=ab.LogNormal(1, 0.5)),
        "trust": ab.Items(["a1", "a2"], 5),
    },
    state=ab.State(
        "sponsor",
        required_by=["alliance"],
        first=["commitment"],
        acquire=["days", "commitment"],
        keep=["alliance"],
        acts_on=["days"],
        same=0.8,
        slope=ab.Normal(0, 0.25),
    ),
    selection=[
        ab.Selection("interview", on=["days"], effect=ab.Normal(0.5, 0.25)),
        ab.Selection("alliance", before=["alliance"]),
    ],
    priors=ab.Priors(cross_lagged=ab.Normal(0, 0.3)),
)


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "model.toml"
        path.write_text(textwrap.dedent(text))
        return ab.load(path)

    return loaded


def problems_of(load, **changes):
    text = textwrap.dedent(TEXT)
    for old, new in changes.items():
        old = old.replace("__", " = ")
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ab.ModelFileError) as caught:
        load(text)
    return list(caught.value.problems)


def test_it_is_read(load):
    assert load(TEXT).spec == SPEC


def test_it_is_written_as_it_is_read(load, tmp_path):
    file = load(TEXT)
    written = file.save(tmp_path / "again.toml")
    assert ab.load(written) == file
    text = written.read_text()
    for section in ("[model.families.days]", "[model.families.trust]", "[model.state]", "[[model.selection]]"):
        assert f"\n{section}\n" in text
    assert text.count("[[model.selection]]") == 2


def test_printed_with_the_priors_of_the_options(load):
    printed = str(load(TEXT))
    assert f"Model: {SPEC}\n" in printed
    for line in (
        "  cuts of days: InducedDirichlet(2)",
        "  slope of sponsor: Normal(0, 0.25)",
        "  effect of selection of interviews: Normal(0.5, 0.25)",
    ):
        assert line in printed.splitlines()


def test_measures_are_those_of_the_panel_less_windows_and_the_state(load):
    text = """
        format = 1
        title = "Days"

        [panel]
        person = "id"
        time = "month"
        measures = ["alliance", "days", "window", "helped"]

        [model]
        kind = "riclpm"
        families = { days = { family = "days", window = "window" } }
        state = { name = "helped", acts_on = ["days"] }
        """
    file = load(text)
    assert file.spec.measures == ("alliance", "days")
    assert file.panel_options["measures"] == ("alliance", "days", "window", "helped")


KNOWN = "Measures: 'alliance', 'days', 'window', 'a1', 'a2', 'visits', 'helped'."
REFUSED = [
    (
        {'window = "window"': 'window = "windows"'},
        [f"[model] families names 'windows', which is not a measure; did you mean 'window'? {KNOWN}"],
    ),
    (
        {'items = ["a1", "a2"]': 'items = ["a1", "b2"]'},
        [f"[model] families names 'b2', which is not a measure. {KNOWN}"],
    ),
    (
        {'name = "sponsor"': 'name = "sponser"'},
        [
            "[model.state] name is 'sponser', which [panel] does not read. Put it among the measures there, or in "
            "requires; did you mean 'sponsor'?"
        ],
    ),
    (
        {'first = ["commitment"]': 'first = ["age"]'},
        ["[model.state] first names 'age', which is no measure of the model and no covariate of [panel]."],
    ),
    (
        {'acquire = ["days", "commitment"]': 'acquires = ["days"]', "categories = 5": "category = 5"},
        [
            "[model] family of 'trust': No option is called 'category'; did you mean 'categories'? Options: 'items', "
            "'categories', 'lowest', 'link', 'loading', 'cuts'.",
            "[model] family of 'trust': categories is missing.",
            "[model] state: No option is called 'acquires'; did you mean 'acquire'? Options: 'name', "
            "'required_by', 'first', 'acquire', 'keep', 'acts_on', 'same', 'intercept', 'slope', 'effect'.",
        ],
    ),
    (
        {"effect = { normal = [0.5, 0.25] }": ""},
        [
            "[model] selection 1: on = ['days'] needs effect = { normal = [mean, sd] }, log odds per SD: the data do "
            "not identify the effect of unobserved values, so the prior decides."
        ],
    ),
    (
        {'window = "window"': "window = [30, 90]"},
        ["[model] families: window of 'days' has 2 numbers; there are 3 waves."],
    ),
    (
        {'[model.families]\nvisits = "count"': "[model.families]\nvisits = 3"},
        [
            "[model] family of 'visits': must be a table such as { family = 'days', window = 30 }; got 3.",
        ],
    ),
]


@pytest.mark.parametrize(("changes", "problems"), REFUSED)
def test_what_cannot_be_meant_is_refused(load, changes, problems):
    assert problems_of(load, **changes) == problems
