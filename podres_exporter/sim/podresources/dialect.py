"""Differences between the pod-resources answers of kubelet releases, as data."""

from dataclasses import dataclass

from podres_exporter.scenario import KubeletSettings

SERVICE = "v1.PodResourcesLister"
ALPHA_SERVICE = "v1alpha1.PodResourcesLister"
"""Served with List alone by every release up to now (apis/podresources/server_v1alpha1.go)."""
LIST = "List"
ALLOCATABLE = "GetAllocatableResources"
GET = "Get"
ALPHA_LIST = "v1alpha1/List"


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    One release's way to answer.

    *methods*: what the server knows at all. *allocatable_enabled*, *get_enabled*, *dynamic_resources*: feature gates.
    *groups_ids*: one row per (resource, NUMA node) with several ids, else one per (device, node).
    *unknown_is_node_zero*: List says node 0 of a device without topology. *shared_pool_listed*: a container without
    exclusive CPUs lists the shared pool. *lists_unhealthy*: GetAllocatableResources has unhealthy devices too.
    *class_name*: DRA rows are one per driver and carry CDI names only. *cdi_accumulates*: row k of a driver repeats the
    CDI names of the rows before.
    """

    methods: frozenset[str]
    allocatable_enabled: bool
    get_enabled: bool
    dynamic_resources: bool
    rate_limited: bool
    groups_ids: bool
    unknown_is_node_zero: bool
    shared_pool_listed: bool
    lists_unhealthy: bool
    memory: bool
    class_name: bool
    cdi_accumulates: bool
    share_id: bool
    pod_level: bool
    allocatable_disabled_text: str


def dialect_of(settings: KubeletSettings) -> Dialect:
    """
    Return how this kubelet answers; gates that the settings leave open have the default of the release.

    Source: kubelet podresources api.proto, server_v1.go, kube_features.go and cm/container_manager.go of 1.20 to 1.37;
    kubernetes #97415 and #100211 (shared pool), #103289 (node 0), #116459 (rate limit), KEP-3695, KEP-5075, KEP-5526.
    """
    minor = settings.release.minor
    since = {LIST: 20, ALLOCATABLE: 21, GET: 27}
    renamed = "PodResources" if minor >= 27 else "Pod Resources"
    return Dialect(
        methods=frozenset(method for method, first in since.items() if minor >= first),
        # An alpha gate until 1.22; removed in 1.28.
        allocatable_enabled=_gate(settings.allocatable, minor >= 23),
        get_enabled=_gate(settings.get, minor >= 34),
        dynamic_resources=minor >= 27 and _gate(settings.dynamic_resources, minor >= 34),
        rate_limited=minor >= 27,
        groups_ids=minor == 20,
        unknown_is_node_zero=minor <= 22,
        shared_pool_listed=minor <= 22,
        lists_unhealthy=minor <= 22,
        memory=minor >= 22,
        class_name=27 <= minor <= 30,
        cdi_accumulates=31 <= minor <= 36,
        share_id=minor >= 35,
        pod_level=minor >= 37,
        allocatable_disabled_text=f"{renamed} API {ALLOCATABLE} disabled",
    )


def _gate(override: bool | None, default: bool) -> bool:
    return default if override is None else override
