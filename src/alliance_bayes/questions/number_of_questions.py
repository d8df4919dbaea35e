"""How many questions on direction were asked of one fit, which no verdict is adjusted for."""

from collections.abc import Mapping
from dataclasses import replace

from .answer import Answer

__all__ = ["counted_in_run", "in_one_call"]

COUNTED = "directionality"
JOINTLY = "ab.joint_probability gives the probability that several statements hold together."


def in_one_call(n_questions: int) -> str:
    """The sentence on several questions that one call asked."""
    return (
        f"{n_questions} questions were asked of this fit in one call; verdicts are not adjusted for their number. "
        f"{JOINTLY}"
    )


def counted_in_run(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Answers of a run; those on direction say how many such questions were asked in all, if more than theirs."""
    of_direction = {name: each for name, each in answers.items() if getattr(each, "question", "") == COUNTED}
    asked = {name: len(each.parts) or 1 for name, each in of_direction.items()}
    total = sum(asked.values())
    sentence = (
        f"{total} questions on direction were asked of this fit in the same run; verdicts are not adjusted for their "
        f"number. {JOINTLY}"
    )
    return {
        name: replace(each, body=(*each.body, sentence)) if asked.get(name, total) < total else each
        for name, each in answers.items()
    }
