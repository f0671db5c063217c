"""Lifetimes of pods, and whether two of them overlap. Times are whole milliseconds internally."""

import math
from dataclasses import dataclass

from podres_exporter.scenario.records import PodSpec


@dataclass(frozen=True, slots=True)
class Life:
    """Which repetition of its life a pod is in, from 0, and whether its containers have finished."""

    number: int
    finished: bool


def life_at(pod: PodSpec, seconds: float) -> Life | None:
    """Return the pod's life at this second of the scenario, None if it does not exist then."""
    if not alive(pod, seconds):
        return None
    age, number = _milliseconds(seconds) - _milliseconds(pod.start_seconds), 0
    if pod.repeat_seconds is not None:
        number, age = divmod(age, _period(pod))
    finish = pod.finish_seconds
    return Life(number, finish is not None and age >= _milliseconds(finish) - _milliseconds(pod.start_seconds))


def alive(pod: PodSpec, seconds: float) -> bool:
    """Return whether the pod exists at this second of the scenario: from its start, until before its end."""
    age = _milliseconds(seconds) - _milliseconds(pod.start_seconds)
    if age < 0:
        return False
    if pod.repeat_seconds is not None:
        age %= _milliseconds(pod.repeat_seconds)
    return pod.end_seconds is None or age < _length(pod)


def born_at(pod: PodSpec, seconds: float) -> float:
    """Return the second at which the pod's current life began; the pod must exist."""
    if pod.repeat_seconds is None:
        return pod.start_seconds
    return pod.start_seconds + (seconds - pod.start_seconds) // pod.repeat_seconds * pod.repeat_seconds


def meet(one: PodSpec, other: PodSpec) -> bool:
    """Return whether there is a moment at which both pods exist."""
    if one.repeat_seconds is None:
        one, other = other, one
    if one.repeat_seconds is None:
        return _once_meets_once(one, other)
    if other.repeat_seconds is None:
        return _repeated_meets_once(one, other)
    return _repeated_meets_repeated(one, other)


def _once_meets_once(one: PodSpec, other: PodSpec) -> bool:
    first, second = sorted((one, other), key=lambda pod: pod.start_seconds)
    return first.end_seconds is None or second.start_seconds < first.end_seconds


def _repeated_meets_once(repeated: PodSpec, once: PodSpec) -> bool:
    """Check the first life of *repeated* that ends after *once* has started."""
    if once.end_seconds is None:
        return True
    start, length, period = _milliseconds(repeated.start_seconds), _length(repeated), _period(repeated)
    lives_before = max(0, (_milliseconds(once.start_seconds) - start - length) // period + 1)
    return start + lives_before * period < _milliseconds(once.end_seconds)


def _repeated_meets_repeated(one: PodSpec, other: PodSpec) -> bool:
    """
    Compare the starts modulo the periods' greatest common divisor.

    Over time the distance between the starts takes every value congruent to the first distance; the lives overlap if
    one of these values is less than the length of the earlier life.
    """
    divisor = math.gcd(_period(one), _period(other))
    distance = (_milliseconds(one.start_seconds) - _milliseconds(other.start_seconds)) % divisor
    return distance < _length(other) or divisor - distance < _length(one)


def _length(pod: PodSpec) -> int:
    end = pod.start_seconds if pod.end_seconds is None else pod.end_seconds
    return _milliseconds(end) - _milliseconds(pod.start_seconds)


def _period(pod: PodSpec) -> int:
    return _milliseconds(pod.repeat_seconds or 0.0)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
