"""Several nodes' answers, best first."""

from collections.abc import Mapping

from podres_exporter.fit.answer import Answer, Fits


def rank(answers: Mapping[str, Answer]) -> tuple[tuple[str, Answer], ...]:
    """
    Return the answers by node, best first: who says yes under most policies, then the tightest fit, then the name.

    Tight goes first because what it leaves over is of least use to others. A node that
    does not know comes before one that says no, unless it only may not be so that something is in the way.
    """
    return tuple(sorted(answers.items(), key=lambda row: (*_preference(row[1]), row[0])))


def _preference(answer: Answer) -> tuple[int, int, float]:
    verdicts = [Fits.NO if outcome.hurdles else outcome.fits for outcome in answer.outcomes]
    slack = [outcome.slack for outcome in answer.outcomes if outcome.fits is Fits.YES]
    return -verdicts.count(Fits.YES), verdicts.count(Fits.NO), sum(slack) / len(slack) if slack else 0.0
