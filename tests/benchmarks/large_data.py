"""A million people at four waves, from a data frame to moments, in a fresh process."""

import sys
from collections.abc import Iterator
from pathlib import Path

from measuring import Figure, Options, answer_of

SCRIPT = Path(__file__).parent / "scripts" / "million_people.py"


def large_data(options: Options) -> Iterator[Figure]:
    """Seconds beside what pandas needs to pivot the frame, and peak memory beside the frame."""
    for order in ("sorted", "shuffled"):
        answers = [answer_of([sys.executable, SCRIPT, order]) for _ in range(options.repeats(3))]
        name = f"1,000,000 x 4 rows, {order}, to moments"
        yield Figure(
            benchmark="large data",
            name=name,
            unit="s",
            peer="DataFrame.pivot",
            ratio_is="ours / peer",
            target="ours <= 5",
            measured={"ours": [each["seconds"] for each in answers], "peer": [each["pivot"] for each in answers]},
            details={"answers": answers},
        )
        yield Figure(
            benchmark="large data",
            name=f"{name}, peak memory",
            unit="MB",
            peer="the frame",
            ratio_is="ours / peer",
            target="ratio <= 4",
            measured={"ours": [each["peak"] for each in answers], "peer": [each["frame"] for each in answers]},
            note=f"{answers[0]['how']}; the frame itself counted",
        )
