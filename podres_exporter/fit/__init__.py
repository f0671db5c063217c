"""
Would this node admit such a pod now, and what is in the way: a question to a snapshot.

`fit` answers with the managers of `podres_exporter.admission`, which the simulated node uses too. `text` says it to a
person, `document` to a program, and `rank` orders the answers of several nodes.
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
