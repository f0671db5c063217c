"""
Why a pod sits where it sits, or why the kubelet does not list it: a question to a snapshot.

`explain` gives the account, `text` says it to a person and `document` to a program.
"""

from podres_exporter.explain.account import Account, ContainerAccount, Holding, Neighbour, Relation, State
from podres_exporter.explain.judge import explain

__all__ = ["Account", "ContainerAccount", "Holding", "Neighbour", "Relation", "State", "explain"]
