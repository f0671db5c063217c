"""What a pod's manifest must say for the simulated kubelet to admit it; the rest of a Kubernetes pod is passed on."""

from podres_exporter.quantity import parse_millicores, parse_quantity
from podres_exporter.yamldoc.section import Section


def check_manifest(spec: Section) -> None:
    """Note containers without names, and amounts that are none; other keys of a Kubernetes pod may stand there."""
    names: set[str] = set()
    found = 0
    for key in ("initContainers", "containers"):
        for container in spec.sections(key):
            found += key == "containers"
            name = container.text("name")
            if name and name in names:
                container.fault("name", f"{name!r} is the name of another container too; rename one")
            names.add(name)
            resources = container.section("resources")
            for part in (resources.named("requests"), resources.named("limits")):
                _check_amounts(part)
    if not found:
        spec.fault("containers", "has no container; describe at least one")


def _check_amounts(amounts: Section) -> None:
    for resource in amounts.names():
        amount = amounts.amount(resource)
        try:
            if resource == "cpu":
                parse_millicores(amount)
            else:
                parse_quantity(amount)
        except ValueError as error:
            amounts.fault(resource, f"{error}; write for example {'500m' if resource == 'cpu' else '2 or 4Gi'}")
