"""Render the answer as JSON: the same facts as the table, under stable names; times are in UTC."""

from typing import Any

from podres_exporter.moment import write_moment
from podres_exporter.who.history import Answer
from podres_exporter.who.timeline import Period

Document = dict[str, Any]


def to_dict(answer: Answer) -> Document:
    """Return the answer as JSON values."""
    question = answer.question
    return {
        "device": question.text,
        "from": write_moment(question.begin),
        "until": write_moment(question.end),
        "devices": [
            {
                "resource": each.resource,
                "pool": each.pool,
                "name": each.name,
                "nodes": [{"cluster": place.cluster, "node": place.node} for place in sorted(each.places)],
            }
            for each in answer.devices
        ],
        "scrape_interval_seconds": answer.interval_seconds,
        "periods": [_period(each) for each in answer.periods],
        "warnings": list(answer.warnings),
    }


def _period(period: Period) -> Document:
    holder = period.holder
    return {
        "cluster": period.place.cluster,
        "node": period.place.node,
        "state": period.state.value,
        "reason": None if period.unknown is None else period.unknown.value,
        "from": write_moment(period.begin),
        "until": write_moment(period.end),
        "has_earlier": period.has_earlier,
        "has_later": period.has_later,
        "holder": None
        if holder is None
        else {
            "namespace": holder.namespace,
            "pod": holder.pod,
            "uid": holder.uid or None,
            "workload": holder.workload or None,
            "started_at": None if holder.started_seconds is None else write_moment(holder.started_seconds),
            "container": holder.container,
            "resource": holder.resource,
            "device": holder.device,
            "claim": holder.claim or None,
            "admin_access": holder.is_watching,
        },
    }
