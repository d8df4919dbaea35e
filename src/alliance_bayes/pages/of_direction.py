"""What an answer on direction was asked about: which lag, with which margin."""

from ..questions.answer import Answer

__all__ = ["asked_over", "margin_of"]


def asked_over(answer: Answer) -> str:
    """The length that the verdict is about, as the tables name it."""
    overs = [str(over) for over in answer.evidence.index.unique("over")]
    asked = answer.draws.attrs["asked"]
    return next((over for over in overs if over.endswith(f" {asked}")), overs[0])


def margin_of(answer: Answer, over: str) -> float:
    """The margin of one length, which is the answer's where the table names none."""
    if "margin" not in answer.table:
        return float(answer.arguments["margin"])
    return float(answer.table.xs(over, level="over")["margin"].iloc[0])
