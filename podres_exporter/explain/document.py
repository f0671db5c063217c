"""Render an explanation as JSON: the same facts as the text, under stable names."""

from typing import Any

from podres_exporter.cpuset import format_cpuset
from podres_exporter.explain.account import Account, ContainerAccount
from podres_exporter.fit.document import request_dict
from podres_exporter.fit.document import to_dict as fit_dict
from podres_exporter.model import Alignment, PodMeta
from podres_exporter.moment import write_moment

Document = dict[str, Any]


def to_dict(account: Account) -> Document:
    """Return the account as JSON values."""
    return {
        "node": account.node,
        "namespace": account.namespace,
        "pod": account.name,
        "state": account.state.value,
        "metadata": account.meta and _meta(account.meta),
        "containers": [_container(container) for container in account.containers],
        "fit_now": account.fit and fit_dict(account.fit),
        "notes": list(account.notes),
    }


def _meta(meta: PodMeta) -> Document:
    return {
        "uid": meta.uid,
        "phase": meta.phase,
        "reason": meta.reason,
        "message": meta.message,
        "qos_class": meta.qos_class,
        "priority_class": meta.priority_class,
        "workload": {"kind": meta.workload_kind, "name": meta.workload_name},
        "is_deleting": meta.is_deleting,
        "started_at": None if meta.started_seconds is None else write_moment(meta.started_seconds),
    }


def _container(container: ContainerAccount) -> Document:
    return {
        "name": container.name,
        "is_listed": container.is_listed,
        "asked": container.asked and request_dict(container.asked),
        "alignment": container.alignment and _alignment(container.alignment),
        "shared_pool": None if container.pool is None else format_cpuset(container.pool),
        "runs_in_shared_pool": container.runs_in_pool,
        "reserved_cpus": format_cpuset(container.reserved),
        "caches": [
            {"numa_node": node, "cpus": [format_cpuset(part) for part in parts]} for node, parts in container.caches
        ],
        "unlisted": [
            {"resource": row.resource, "amount": row.amount, "reason": row.reason.value} for row in container.unlisted
        ],
        "chosen": {"annotation": container.chosen_by, "devices": list(container.chosen_devices)}
        if container.chosen_by
        else None,
        "holds": [
            {
                "resource": holding.resource,
                "total": holding.total,
                "items": [{"numa_nodes": sorted(nodes), "items": list(items)} for nodes, items in holding.items],
            }
            for holding in container.holdings
        ],
        "missing": [
            {
                "resource": each.resource,
                "requested": each.requested,
                "held": each.held,
                "explanation": each.explanation.value,
            }
            for each in container.missing
        ],
        "health": [
            {
                "resource": row.resource,
                "device": row.device,
                "pool": row.pool,
                "claim": row.claim,
                "health": row.health,
                "message": row.message,
            }
            for row in container.health
        ],
        "unallocatable": list(container.unallocatable),
        "cpuset_drift": container.drift
        and {
            "missing": format_cpuset(container.drift.missing),
            "foreign": format_cpuset(container.drift.foreign),
        },
        "claim_faults": list(container.claim_faults),
        "neighbours": [
            {
                "relation": each.relation.value,
                "ours": list(each.ours),
                "theirs": list(each.theirs),
                "namespace": each.namespace,
                "pod": each.pod,
                "container": each.container,
                "resource": each.resource,
            }
            for each in container.neighbours
        ],
    }


def _alignment(alignment: Alignment) -> Document:
    return {
        "verdict": alignment.verdict.value,
        "numa_nodes": sorted(alignment.numa_nodes),
        "unplaced": alignment.unplaced,
        "constraints": [
            {
                "resource": each.resource,
                "numa_nodes": sorted(each.numa_nodes),
                "count": each.count,
                "every": each.every,
            }
            for each in alignment.constraints
        ],
    }
