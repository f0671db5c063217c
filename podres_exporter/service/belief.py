"""What is believed of one half of the kubelet's answer, since when, and whether newer answers are held back."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from podres_exporter.join import Suspicion, judge
from podres_exporter.model import Part

A = TypeVar("A")


class Belief(Generic[A]):
    """The last good answer of one half (`pods`, `allocatable`); owned by the poll loop."""

    def __init__(self, part: str, lacking: Callable[[A, A], frozenset[Any]]) -> None:
        """*lacking(new, old)* returns what the old answer had and the new one has not."""
        self.part, self._lacking = part, lacking
        self.answer: A | None = None
        self.since_seconds = 0.0
        self._last: A | None = None
        self._suspicion: Suspicion[A | frozenset[Any]] | None = None
        self._stale = False

    @property
    def held(self) -> bool:
        """Whether answers are held back, because the kubelet has just started."""
        return self._suspicion is not None and self._suspicion.watched is not None

    @property
    def is_current(self) -> bool:
        """Whether what is believed is the kubelet's last answer."""
        return self.answer is not None and not self._stale and self._suspicion is None

    def suspect(self) -> None:
        """The kubelet has started anew: doubt its answers until they agree with what is believed, or are stable."""
        self._suspicion = Suspicion()

    def missed(self) -> None:
        """The kubelet gave no usable answer."""
        self._stale = True

    def forget(self) -> None:
        """The kubelet cannot be asked for this half."""
        self.answer, self._last, self._suspicion, self._stale = None, None, None, False

    def offer(
        self,
        answer: A,
        *,
        empty: bool,
        now_seconds: float,
        hold_seconds: float,
        settled: Callable[[frozenset[Any]], frozenset[Any]] | None = None,
    ) -> bool:
        """
        Take an answer; True if it is believed.

        *hold_seconds* is how long what an answer lacks must stand still. *settled*, where somebody else knows what is
        to be expected, returns what the answer really lacks.
        """
        if self._suspicion is not None:
            lacking = None if self._last is None else self._lacking(answer, self._last)
            if settled is not None:
                lacking = settled(lacking or frozenset())
            self._suspicion = judge(
                self._suspicion,
                answer if lacking is None else lacking,
                agrees=None if lacking is None else not lacking,
                empty=empty,
                now_seconds=now_seconds,
                hold_seconds=hold_seconds,
            )
        self._stale = self._suspicion is not None
        if self._suspicion is None:
            self.answer, self._last, self.since_seconds = answer, answer, now_seconds
        return not self._stale

    def amend(self, answer: A) -> None:
        """Put right what is believed, by news of a part of it; it grows no younger by that."""
        self.answer = self._last = answer

    def expire(self, now_seconds: float, max_age_seconds: float) -> bool:
        """
        Show an answer that is older than the maximum age no more; True if that happened now.

        It stays as what later answers of a young kubelet are compared with.
        """
        old = self.answer is not None and now_seconds - self.since_seconds >= max_age_seconds
        if old:
            self.answer = None
        return old

    def freshness(self) -> Part:
        """Return how far this half may be trusted."""
        return Part(self.part, stale=self._stale, held=self.held)
