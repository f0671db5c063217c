"""Compare what the containers of a pod requested with what the kubelet lists for them."""

from collections.abc import Collection, Iterator

from podres_exporter.model import Container, ContainerKind, ContainerSpec, Explanation, Pod, PodMeta, Request

GUARANTEED = "Guaranteed"


def requests_against_held(
    pod: Pod, meta: PodMeta | None, *, static_cpus: bool, plugin_resources: Collection[str] | None = None
) -> tuple[Request, ...]:
    """
    Return what each container requested, init containers included, in the order of the pod's spec.

    *plugin_resources* are the extended resources known to be served by a device plugin; None: unknown. The kubelet
    ignores all others (kubernetes #53605, #59835).

    Exclusive CPUs are due to containers of Guaranteed pods that request whole CPUs, under the CPU manager's static
    policy (*static_cpus*). How a pod with pod-level resources shares its CPUs is not reported, so those are left out.

    Source: kubelet cpumanager/policy_static.go guaranteedCPUs; KEP-5526.
    """
    if meta is None:
        return ()
    containers = {container.name: container for container in pod.containers}
    cpus_are_due = static_cpus and meta.qos_class == GUARANTEED and not meta.has_pod_resources
    return tuple(
        request
        for spec in meta.containers
        for request in _requests(spec, containers.get(spec.name), meta, plugin_resources, cpus_are_due=cpus_are_due)
    )


def _requests(
    spec: ContainerSpec,
    container: Container | None,
    meta: PodMeta,
    plugin_resources: Collection[str] | None,
    *,
    cpus_are_due: bool,
) -> Iterator[Request]:
    """Yield the requests of one container, exclusive CPUs last."""
    for resource, count in spec.devices:
        held = len([device for device in container.devices if device.resource == resource]) if container else 0
        if (spec.name, resource) in meta.extended_requests:
            explanation = Explanation.INIT_CONTAINER if spec.kind is ContainerKind.INIT else Explanation.CLAIM
        elif plugin_resources is not None and resource not in plugin_resources:
            # A claim for extended resources exists, and it is unknown for which of them.
            is_claim = bool(meta.extended_claim and not meta.extended_requests)
            explanation = Explanation.CLAIM if is_claim else Explanation.NO_PLUGIN
        else:
            explanation = _explanation(spec, container)
        yield Request(spec.name, resource, count, held, explanation)
    if cpus_are_due and spec.whole_cpus:
        held = len(container.exclusive_cpus) if container else 0
        yield Request(spec.name, "cpu", spec.whole_cpus, held, _explanation(spec, container))


def _explanation(spec: ContainerSpec, container: Container | None) -> Explanation:
    """
    Return why the kubelet may legitimately list nothing for it.

    Source: kubelet server_v1.go of each release (sidecars from 1.30 on, plain init containers never); KEP-5004.
    """
    if spec.kind is ContainerKind.INIT:
        return Explanation.INIT_CONTAINER
    if container is None:
        return Explanation.NOT_LISTED
    return Explanation.UNEXPLAINED
