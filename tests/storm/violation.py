"""The invariants of the storm, their violation, and printing a line of the report."""

import sys

INVARIANTS = {
    "invented": "what the page shows was true at some moment of the last minutes",
    "lost": "what is true and must be known is shown, until the kubelet has not been able to say it for long",
    "free": "what a living pod holds is never free, whether its row is shown or not",
    "aged": "nothing is shown beyond the maximum age",
    "honest": "a page that rests on an old answer says so, and whether the kubelet answered",
    "sums": "allocated is what stands on the page, free and allocated are not more than there is; nothing is negative",
    "twice": "two pods hold one thing on the page only where they do, and no series is there twice",
    "prompt": "with Get and followed metadata the page says what a List would say, once nothing is left to be asked",
    "resync": "the page says what a List of our own says, and no resync has told what no event explains",
    "counters": "counters never go back and never vanish",
    "parses": "the page can be parsed as text and as OpenMetrics, with the right Content-Type; the other paths answer",
    "agrees": "the JSON document says what the page says",
    "returned": "every blocking call returns, and threads do not pile up",
    "raised": "no call raises, and no poll ends in an unexpected error",
    "converges": "without faults, and given time, the page is the truth",
}
"""What holds after every step, by the name that a violation carries."""


class Violation(AssertionError):  # noqa: N818 - what the storm looks for; it is no error of the storm
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        """Name the invariant, one of INVARIANTS."""
        super().__init__(f"{invariant}: {INVARIANTS[invariant]}; but {detail}")
        self.invariant = invariant


def say(line: str) -> None:
    """Print at once, for a run takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
