"""What the storm has found."""

INVARIANTS = {
    "invented": "what the page shows was true at some moment since the answer that it rests on",
    "told": "a page that calls itself fresh is what the kubelet has just told, all of it and nothing else",
    "lost": "what is true and was shown stays, until the maximum age or until the kubelet has left it out for long",
    "stock": "what could be handed out stays so, in the same way",
    "aged": "nothing is shown beyond the maximum age",
    "honest": "a page that rests on an old answer says so, and whether the kubelet answered",
    "sums": "allocatable, allocated and free are what the sets of ids say; nothing is negative",
    "twice": "a device that one container holds is not shown with two, and no series is there twice",
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
