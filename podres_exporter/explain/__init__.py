"""
Explain the placement of a pod from a snapshot, or why the kubelet does not list it.

`explain` returns the account, `text` renders it for people and `document` for programs.
"""

from podres_exporter.explain.account import Account, ContainerAccount, Holding, Neighbour, Relation, State
from podres_exporter.explain.judge import explain

__all__ = ["Account", "ContainerAccount", "Holding", "Neighbour", "Relation", "State", "explain"]
