"""Input for Mplus: text only, since Mplus cannot be run here."""

import re
import sys

import pytest

import alliance_bayes as ab
from helpers import REFERENCES

sys.path.insert(0, str(REFERENCES))

from family_models import family_panel, family_spec

SMALL = """\
  ! STARTS model of alliance and days; lagged effects equal, residual covariances free,
  ! means equal; fixed at 0: days -> alliance, alliance -> days. 12 free parameters,
  ! maximum likelihood, so without priors.
TITLE:
  STARTS model of alliance, days
DATA:
  FILE IS clinic.dat;
VARIABLE:
  NAMES ARE allianc1 days1 allianc2 days2 allianc3 days3 allianc4 days4;
  ! allianc1 is alliance, 0.
  ! allianc2 is alliance, 3.
  ! allianc3 is alliance, 6.
  ! allianc4 is alliance, 9.
  ! days1 is days, 0.
  ! days2 is days, 3.
  ! days3 is days, 6.
  ! days4 is days, 9.
  MISSING ARE ALL (-999);
ANALYSIS:
  ESTIMATOR IS ML;
  MODEL IS NOCOVARIANCES;
MODEL:
  ! Within-person deviations, and measurement error
  wallian1 BY allianc1@1;
  allianc1 (p1);  ! error variance alliance
  wallian2 BY allianc2@1;
  allianc2 (p1);  ! error variance alliance
  wallian3 BY allianc3@1;
  allianc3 (p1);  ! error variance alliance
  wallian4 BY allianc4@1;
  allianc4 (p1);  ! error variance alliance
  wdays1 BY days1@1;
  days1 (p2);  ! error variance days
  wdays2 BY days2@1;
  days2 (p2);  ! error variance days
  wdays3 BY days3@1;
  days3 (p2);  ! error variance days
  wdays4 BY days4@1;
  days4 (p2);  ! error variance days
  ! Stable differences between people
  iallianc BY allianc1@1;
  iallianc BY allianc2@1;
  iallianc BY allianc3@1;
  iallianc BY allianc4@1;
  idays BY days1@1;
  idays BY days2@1;
  idays BY days3@1;
  idays BY days4@1;
  ! Their variances and covariances
  iallianc (p3);  ! between variance alliance
  idays WITH iallianc (p4);  ! between covariance alliance, days
  idays (p5);  ! between variance days
  ! First wave
  wallian1 (p6);  ! within variance alliance, 0
  wdays1 WITH wallian1 (p7);  ! within covariance alliance, days, 0
  wdays1 (p8);  ! within variance days, 0
  ! Lagged effects
  wallian2 ON wallian1 (p9);  ! alliance -> alliance
  wdays2 ON wdays1 (p10);  ! days -> days
  wallian3 ON wallian2 (p9);  ! alliance -> alliance
  wdays3 ON wdays2 (p10);  ! days -> days
  wallian4 ON wallian3 (p9);  ! alliance -> alliance
  wdays4 ON wdays3 (p10);  ! days -> days
  ! Innovations
  wallian2 (p11);  ! innovation variance alliance
  wdays2 WITH wallian2 (p12);  ! innovation covariance alliance, days
  wdays2 (p13);  ! innovation variance days
  wallian3 (p11);  ! innovation variance alliance
  wdays3 WITH wallian3 (p12);  ! innovation covariance alliance, days
  wdays3 (p13);  ! innovation variance days
  wallian4 (p11);  ! innovation variance alliance
  wdays4 WITH wallian4 (p12);  ! innovation covariance alliance, days
  wdays4 (p13);  ! innovation variance days
  ! Means
  [allianc1] (p14);  ! mean alliance
  [allianc2] (p14);  ! mean alliance
  [allianc3] (p14);  ! mean alliance
  [allianc4] (p14);  ! mean alliance
  [days1] (p15);  ! mean days
  [days2] (p15);  ! mean days
  [days3] (p15);  ! mean days
  [days4] (p15);  ! mean days
  ! No other means and intercepts
  [wallian1@0];
  [wallian2@0];
  [wallian3@0];
  [wallian4@0];
  [wdays1@0];
  [wdays2@0];
  [wdays3@0];
  [wdays4@0];
  [iallianc@0];
  [idays@0];
MODEL CONSTRAINT:
  ! innovation variance alliance
  p11 = p6 - p9*p6*p9;
  ! innovation covariance alliance, days
  p12 = p7 - p9*p7*p10;
  ! innovation variance days
  p13 = p8 - p10*p8*p10;
"""
KEYS = [
    "help_gap/riclpm/grid",
    "growth2/alt/free",
    "wages5/riclpm/equal standardized",
    "covariates2/riclpm/equal/c1 and c2 on intercepts, c1 on first within, z on every wave alike",
    "sites2/riclpm/equal/groups/lags equal",
    "items2/riclpm/equal/indicators/strong",
]


@pytest.fixture(params=KEYS)
def text(request):
    return ab.to_mplus(family_spec(request.param), family_panel(request.param.split("/")[0]))


def test_a_small_model_in_full():
    spec = ab.STARTS(["alliance", "days"], lags="equal", means="equal", remove=["alliance -> days", "days -> alliance"])
    assert ab.to_mplus(spec, [0, 3, 6, 9], file="clinic.dat") == SMALL


def test_mplus_reads_every_line(text):
    """At most 90 columns, names of at most 8 characters, every statement closed."""
    lines = text.splitlines()
    assert max(map(len, lines)) <= 90
    code = re.sub(r"!.*", "", text)
    names = re.search(r"NAMES ARE (.*?);", code, re.DOTALL)[1].split()
    latent = set(re.findall(r"^  (\w+) BY", code, re.MULTILINE))
    assert latent
    assert max(map(len, {*names, *latent})) <= 8
    assert len({name.lower() for name in (*names, *latent)}) == len({*names, *latent})
    body = code[code.index("MODEL:") :]
    statements = [line.strip() for line in body.splitlines() if line.strip() and not re.match(r"MODEL[ \w]*:", line)]
    assert all(line.endswith((";", "+", "-")) for line in statements)


def test_every_name_is_declared(text):
    code = re.sub(r"!.*|\(.*?\)", "", text)
    model = code[code.index("MODEL:") :].split("MODEL CONSTRAINT:")[0]
    used = set(re.findall(r"[a-z]\w*", re.sub(r"MODEL[ \w]*:|[@*][\d.e-]+", "", model)))
    columns = re.search(r"NAMES ARE (.*?);", code, re.DOTALL)[1].split()
    latent = set(re.findall(r"(\w+) BY", model))
    assert used == (set(columns) - {"group"}) | latent


def test_every_label_is_explained_and_every_constraint_uses_known_ones(text):
    labels = set(re.findall(r"\((p\d+)\);", text))
    explained = set(re.findall(r"\((p\d+)\);  ! \S", text))
    on_own_line = set(re.findall(r"^  ! .*\n.*\((p\d+)\);$", text, re.MULTILINE))
    assert labels == explained | on_own_line
    new = set(re.findall(r"r\d+", (re.search(r"NEW\((.*?)\);", text, re.DOTALL) or ["", ""])[1]))
    constraint = text.partition("MODEL CONSTRAINT:")[2]
    assert set(re.findall(r"\b[pr]\d+\b", re.sub(r"!.*", "", constraint))) <= labels | new


def test_long_names_that_would_be_alike_are_told_apart():
    text = ab.to_mplus(ab.CLPM(["abstinence_days", "abstinence_hours"], lags="equal"), [0, 1])
    names = re.search(r"NAMES ARE (.*?);", text)[1].split()
    assert names == ["abstine1", "abstin_2", "abstine2", "abstin_3"]


def test_means_that_the_model_has_not_are_fixed_at_0():
    text = ab.to_mplus(ab.LCMSR(["x", "y"], lags="equal"), [0, 1, 2, 3])
    fixed = set(re.findall(r"\[(\w+)@0\]", text))
    assert fixed == {f"{start}{measure}_{time}" for start in ("", "w_") for measure in "xy" for time in range(4)}
    assert set(re.findall(r"\[(\w+)\]", text)) == {"i_x", "i_y", "s_x", "s_y"}


def test_a_model_out_of_reach_is_refused():
    with pytest.raises(ab.SpecError, match="cannot be written for Mplus"):
        ab.to_mplus(ab.CLPM(["x", "y"], lags="continuous"), [0, 1, 2])
