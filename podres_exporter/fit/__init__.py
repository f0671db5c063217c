"""
Check whether a node would admit a pod now, and if not, why, from a snapshot.

`fit` uses the managers of `podres_exporter.admission`, as the simulated node does. `text` renders the answer for
people, `document` for programs, and `rank` orders the answers of several nodes.
"""

from podres_exporter.admission import Policy, Scope
from podres_exporter.fit.answer import Answer, Fits, Outcome, Place, rank
from podres_exporter.fit.ask import Ask, ask_for, ask_of
from podres_exporter.fit.holders import Holder
from podres_exporter.fit.hurdles import Hurdle, Obstacle
from podres_exporter.fit.judge import fit
from podres_exporter.fit.notes import Caveat, Note
from podres_exporter.fit.options import KubeletOptions
from podres_exporter.fit.room import Room

__all__ = [
    "Answer",
    "Ask",
    "Caveat",
    "Fits",
    "Holder",
    "Hurdle",
    "KubeletOptions",
    "Note",
    "Obstacle",
    "Outcome",
    "Place",
    "Policy",
    "Room",
    "Scope",
    "ask_for",
    "ask_of",
    "fit",
    "rank",
]
