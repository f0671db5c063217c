"""The phases of a simulated fleet (start, faults, recovery), and the requests counted in each."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from scale.fleet import Asked, Fleet
from scale.server import Counts

STEADY_SECONDS = 541
"""Twice as long as a watch lasts on average, and its pause."""

SETTLED_SECONDS = 60


@dataclass(slots=True)
class Phase:
    """What was seen in a time of the simulation: by the reflectors, and by the servers."""

    name: str
    asked: list[Asked]
    counts: Counts
    totals: Counter[str]
    began_seconds: float
    back_seconds: float = 0.0

    def per_second(self, verb: str | None = None) -> list[int]:
        """Return how many requests were made in each second, answered or not."""
        seconds = [int(each.seconds - self.began_seconds) for each in self.asked if verb in {None, each.verb}]
        found = Counter(seconds)
        return [found[second] for second in range(max(seconds, default=0) + 1)]

    def causes(self) -> dict[str, int]:
        """Return how many requests there were by verb and what had happened before."""
        return dict(Counter(f"{each.verb} after {each.cause}" for each in self.asked).most_common())

    def answers(self, verb: str, code: int) -> int:
        """Return the servers' own record."""
        return sum(number for (asked, _, got), number in self.counts.items() if (asked, got) == (verb, code))

    def by_code(self) -> dict[str, int]:
        """Return the servers' own record, by verb and code."""
        return {f"{verb} {int(code)}": number for (verb, _, code), number in sorted(self.counts.items())}


class Simulation:
    """The phases, one after the other, with the same fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._mark = 0

    def start(self) -> Phase:
        """Start all at once."""

        def run() -> None:
            self._fleet.start()
            self._fleet.run_until(5.0)

        return self._phase("start of all at once", 0.0, run)

    def steady(self, events_per_second: float) -> Phase:
        """Let nothing happen but changes of pods, for two lives of a watch."""

        def run() -> None:
            changed = 0
            while (now := self._fleet.clock.monotonic_seconds()) < STEADY_SECONDS:
                # Watches end in these times only.
                is_busy = 239 <= now < 303 or now >= 478
                self._fleet.run_until(now + (1.0 if is_busy else 5.0), longest_step_seconds=5.0, ticks=True)
                due = int((self._fleet.clock.monotonic_seconds() - 5.0) * events_per_second)
                share, rest = divmod(due - changed, len(self._fleet.servers))
                for number, server in enumerate(self._fleet.servers):
                    server.churn(share + (number < rest))
                changed = due

        return self._phase("steady", 0.0, run)

    def restart(self, name: str, away_seconds: float, *, forgets: bool = False) -> Phase:
        """Take the servers away for a while; where they forget, they come back with the present only."""

        def run() -> None:
            began = self._fleet.clock.monotonic_seconds()
            self._fleet.cut(lambda server: server.down())
            self._fleet.run_until(began + away_seconds)
            if forgets:
                self._fleet.each(lambda server: server.forget())
            self._fleet.each(lambda server: server.up())
            self._come_back(began)

        return self._phase(name, self._now, run)

    def storm(self, name: str, seconds: float, retry_after_seconds: int) -> Phase:
        """Cut all watches, and answer with a 429 for a while."""

        def run() -> None:
            began = self._fleet.clock.monotonic_seconds()
            self._fleet.cut(lambda server: server.storm(retry_after_seconds))
            self._fleet.run_until(began + seconds)
            self._fleet.each(lambda server: server.calm())
            self._come_back(began)

        return self._phase(name, self._now, run)

    @property
    def _now(self) -> float:
        return self._fleet.clock.monotonic_seconds()

    def _come_back(self, began: float) -> None:
        while not self._fleet.all_back() and self._now < began + 400:
            self._fleet.run_until(self._now + 1.0)

    def _phase(self, name: str, began: float, run: Callable[[], object]) -> Phase:
        """Return what is seen while *run* does; afterwards nothing happens for long enough to count as well."""
        fleet, before = self._fleet, Counter(self._fleet.totals)
        fleet.each(lambda server: server.clear())
        run()
        counts: Counter[tuple[str, str, int]] = Counter()
        for server in fleet.servers:
            counts.update(server.counts())
        phase = Phase(name, fleet.asked[self._mark :], dict(counts), fleet.totals - before, began)
        phase.back_seconds = max((each.seconds - began for each in phase.asked), default=0.0)
        if self._now > SETTLED_SECONDS:
            fleet.run_until(self._now + SETTLED_SECONDS, longest_step_seconds=5.0, ticks=True)
        self._mark = len(fleet.asked)
        return phase
