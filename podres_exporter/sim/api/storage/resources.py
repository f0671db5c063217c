"""The resource types of the simulated API server, and their field selectors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One kind of object, as discovery describes it.

    *fields* are the paths that a field selector may name; the real server has a closed list per kind too (the
    `AddFieldLabelConversionFunc` calls of pkg/apis/core/v1/conversion.go). *writes* are the verbs by which clients may
    change it; the owner of the store manages the others. It is stored in *version*, and *older_versions* of
    the API can be asked for too, where the server is of a release that serves them. *newer_fields* are fields with the
    minor release from which on they can be named.
    """

    group: str
    plural: str
    kind: str
    short_names: tuple[str, ...]
    fields: tuple[str, ...]
    is_namespaced: bool = True
    writes: frozenset[str] = frozenset()
    version: str = "v1"
    older_versions: tuple[str, ...] = ()
    newer_fields: tuple[tuple[str, int], ...] = ()

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects: `v1`, `resource.k8s.io/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_name(self) -> str:
        """The name that error texts use: `pods`, `resourceclaims.resource.k8s.io` (schema.GroupResource.String)."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        """What a client may do with it, in the order of discovery."""
        return tuple(sorted({"get", "list", "watch"} | self.writes))


PODS = Resource(
    group="",
    plural="pods",
    kind="Pod",
    short_names=("po",),
    fields=(
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ),
    writes=frozenset({"create", "delete", "patch"}),
)

NODES = Resource(
    group="",
    plural="nodes",
    kind="Node",
    short_names=("no",),
    fields=("metadata.name",),
    is_namespaced=False,
    writes=frozenset({"patch"}),
)

NAMESPACES = Resource(
    group="",
    plural="namespaces",
    kind="Namespace",
    short_names=("ns",),
    fields=("metadata.name", "status.phase"),
    is_namespaced=False,
)

RESOURCE_CLAIMS = Resource(
    group="resource.k8s.io",
    plural="resourceclaims",
    kind="ResourceClaim",
    short_names=(),
    fields=("metadata.name", "metadata.namespace"),
    writes=frozenset({"create", "delete"}),
    older_versions=("v1beta2", "v1beta1"),
)

RESOURCE_CLAIM_TEMPLATES = Resource(
    group="resource.k8s.io",
    plural="resourceclaimtemplates",
    kind="ResourceClaimTemplate",
    short_names=(),
    fields=("metadata.name", "metadata.namespace"),
    writes=frozenset({"create", "delete"}),
    older_versions=("v1beta2", "v1beta1"),
)

RESOURCE_SLICES = Resource(
    group="resource.k8s.io",
    plural="resourceslices",
    kind="ResourceSlice",
    short_names=(),
    fields=("metadata.name", "spec.driver", "spec.nodeName"),
    newer_fields=(("spec.pool.name", 37),),
    is_namespaced=False,
    writes=frozenset({"create", "delete", "update"}),
    older_versions=("v1beta2", "v1beta1"),
)

DEVICE_CLASSES = Resource(
    group="resource.k8s.io",
    plural="deviceclasses",
    kind="DeviceClass",
    short_names=(),
    fields=("metadata.name",),
    is_namespaced=False,
    writes=frozenset({"create", "delete"}),
    older_versions=("v1beta2", "v1beta1"),
)

DAEMON_SETS = Resource(
    group="apps",
    plural="daemonsets",
    kind="DaemonSet",
    short_names=("ds",),
    fields=("metadata.name", "metadata.namespace"),
)

RESOURCES = (
    DAEMON_SETS,
    DEVICE_CLASSES,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCE_CLAIMS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_SLICES,
)


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """Return the resource of that name, or None where this server has none."""
    for each in RESOURCES:
        if (group, plural) == (each.group, each.plural) and version in (each.version, *each.older_versions):
            return each
    return None
