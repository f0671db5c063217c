"""The finding on permissions to read ResourceSlices and ResourceClaims."""

from podres_exporter.check.evidence import ApiServer
from podres_exporter.check.finding import Facts, Finding, ok, skipped, warning
from podres_exporter.check.findings.api_errors import is_reached, said
from podres_exporter.errors import ApiServerError

NAME = "api.dra"
RIGHTS = (("list", "resourceslices"), ("watch", "resourceslices"), ("get", "resourceclaims"))
_RULES = (
    "a ClusterRole with the rules {apiGroups: [resource.k8s.io], resources: [resourceslices], verbs: [list, watch]} "
    "and {apiGroups: [resource.k8s.io], resources: [resourceclaims], verbs: [get]}; or --no-collector.dra"
)


def dra_finding(api: ApiServer) -> Finding:
    """
    Return whether DRA devices can be shown with UUID and request; without the permissions everything else is shown.
    """
    access = api.dra
    if not is_reached(api):
        return skipped(NAME, "the API server has not answered (api.reach)")
    if access is None:
        return skipped(NAME, "disabled (--no-collector.dra)")
    if isinstance(access, ApiServerError):
        return skipped(NAME, f"the API server does not say: {said(access)}")
    if not access.version:
        return skipped(NAME, "the API server does not serve resource.k8s.io (it does from 1.34 on)")
    missing = [f"{verb} {resource}" for verb, resource in access.missing]
    facts: Facts = {"version": access.version, "missing": len(missing)}
    if missing:
        seen = f"may not {', '.join(missing)}: DRA devices are shown without UUID, request and availability"
        return warning(NAME, seen, _RULES, **facts)
    return ok(NAME, f"may read ResourceSlices and ResourceClaims ({access.version})", **facts)
