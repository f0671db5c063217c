"""The pods that held a device, from their series; one name may have belonged to several pods in turn."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from podres_exporter.who.series import POD_FAMILIES, Labels, Place, own, place
from podres_exporter.who.timeline import Holder

_Key = tuple[Place, str, str]


class PodHistory:
    """Determines which pod had a name at a given time."""

    def __init__(self, samples: Iterable[tuple[Labels, Sequence[tuple[float, float]]]]) -> None:
        """Read the samples of podres_pod_info and podres_pod_start_timestamp_seconds."""
        self._uids: dict[_Key, list[tuple[float, str]]] = {}
        self._workloads: dict[str, str] = {}
        starts: dict[_Key, dict[float, float]] = {}
        for labels, points in samples:
            key = _key(labels)
            if labels.get("__name__") == POD_FAMILIES[0]:
                uid = labels.get("uid", "")
                self._uids.setdefault(key, []).extend((at, uid) for at, _ in points)
                self._workloads[uid] = "/".join(
                    filter(None, (labels.get("workload_kind"), labels.get("workload_name")))
                )
            else:
                starts.setdefault(key, {}).update(points)
        self._starts: dict[str, float] = {}
        for key, uids in self._uids.items():
            uids.sort()
            known = starts.get(key, {})
            self._starts.update({uid: known[at] for at, uid in uids if at in known})

    def holder(self, labels: Labels, at: float, where: Place) -> Holder:
        """
        Return the holder named by a series at a given time.

        Metadata arrives slightly after the pod: the next known metadata of the name is used, else the last.
        """
        uids = self._uids.get((where, own(labels, "namespace"), own(labels, "pod")), [])
        index = min(bisect_left(uids, (at, "")), len(uids) - 1)
        uid = uids[index][1] if uids else ""
        return Holder(
            namespace=own(labels, "namespace"),
            pod=own(labels, "pod"),
            container=own(labels, "container"),
            resource=labels.get("resource") or labels.get("driver", ""),
            device=labels.get("device", ""),
            claim=labels.get("claim", ""),
            is_watching=labels.get("admin_access") == "true",
            uid=uid,
            workload=self._workloads.get(uid, ""),
            started_seconds=self._starts.get(uid),
        )


def _key(labels: Labels) -> _Key:
    return place(labels), own(labels, "namespace"), own(labels, "pod")
