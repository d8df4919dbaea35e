"""What an answer on direction was asked about: which lag, with which margin."""

import pandas as pd

from ..questions.answer import Answer

__all__ = ["asked_over", "has_estimates_without_prior", "margin_of"]


def asked_over(answer: Answer) -> str:
    """The length that the verdict is about, as the tables name it."""
    overs = [str(over) for over in answer.evidence.index.unique("over")]
    asked = answer.draws.attrs["asked"]
    return next((over for over in overs if over.endswith(f" {asked}")), overs[0])


def has_estimates_without_prior(answer: Answer) -> bool:
    """Whether it says what the data say of its effects without the prior of the lags."""
    return answer.question == "directionality" and bool((answer.table.get("without_prior_by", pd.Series()) != "").any())


def margin_of(answer: Answer, over: str) -> float:
    """The margin of one length, which is the answer's where the table names none."""
    if "margin" not in answer.table:
        return float(answer.arguments["margin"])
    return float(answer.table.xs(over, level="over")["margin"].iloc[0])
