"""Permissions of the pods: RBAC, Pod Security, OpenShift's SCC, network policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helm_rig import CHART, ROOT, VARIANTS, Helm, Object, kinds, one, pod_specs

TOKEN_KINDS = {"ClusterRole", "ClusterRoleBinding", "ServiceAccount"}
RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
}
SELINUX_TYPES = {"container_t", "container_init_t", "container_kvm_t"}


def pod_security(spec: Object) -> Iterator[str]:
    """Yield what the Pod Security Standards, v1.37, have against a pod, as `level: field`."""
    pod = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"baseline: {name}"
    for volume in spec["volumes"]:
        (kind,) = volume.keys() - {"name"}
        if kind == "hostPath":
            yield "baseline: hostPath volume"
        if kind not in RESTRICTED_VOLUMES:
            yield f"restricted: volume type {kind}"
    if pod.get("seLinuxOptions", {}).get("type", "container_t") not in SELINUX_TYPES:
        yield "baseline: seLinuxOptions.type"
    for container in spec.get("initContainers", []) + spec["containers"]:
        yield from _container_security(pod, container)


def _container_security(pod: Object, container: Object) -> Iterator[str]:
    """Yield the same of a container, whose own settings go before those of its pod."""
    own = {**pod, **container.get("securityContext", {})}
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "baseline: privileged"
    if capabilities.get("add"):
        yield "baseline: capabilities.add"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "baseline: hostPort"
    if own.get("procMount", "Default") != "Default":
        yield "baseline: procMount"
    if own.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "restricted: seccompProfile"
    if "ALL" not in capabilities.get("drop", []):
        yield "restricted: capabilities.drop"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "restricted: allowPrivilegeEscalation"
    if own.get("runAsNonRoot") is not True:
        yield "restricted: runAsNonRoot"
    if own.get("runAsUser") == 0:
        yield "restricted: runAsUser"


NEEDED = [
    "baseline: hostPath volume",
    "restricted: volume type hostPath",
    "restricted: runAsNonRoot",
    "restricted: runAsUser",
]


WITH_SELINUX_TYPE = {"openshift", "openshift-minimal", "pod"}
"""Variants whose pods name an SELinux type."""


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"everything-else"}))
def test_a_pod_is_privileged_for_its_host_path_and_uid_0_alone(rendered: dict[str, list[Object]], variant: str) -> None:
    """Baseline has the volume against it, and an SELinux type where one is set; restricted has UID 0 as well."""
    selinux = ["baseline: seLinuxOptions.type"] if variant in WITH_SELINUX_TYPE else []
    volumes = NEEDED[:2] * (2 if variant == "podsapi" else 1)  # two directories of the kubelet's
    expected = [*volumes, *selinux, *NEEDED[2:]]

    assert [expected, expected] == [list(pod_security(spec)) for spec in pod_specs(rendered[variant])]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_root_file_system_and_the_sockets_directory_cannot_be_written(
    rendered: dict[str, list[Object]], variant: str
) -> None:
    """Connecting needs no more (but microk8s-values.yaml shows the switch)."""
    for spec in pod_specs(rendered[variant]):
        container = spec["containers"][0]

        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert (variant != "microk8s") == container["volumeMounts"][0]["readOnly"]


def test_the_only_rights_are_to_read_pods_slices_and_claims(rendered: dict[str, list[Object]]) -> None:
    """As README says; bound to the service account that the pods run under."""
    objects = rendered["default"]
    role, binding = one(objects, "ClusterRole"), one(objects, "ClusterRoleBinding")
    spec = pod_specs(objects)[0]

    assert [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
        {"apiGroups": ["resource.k8s.io"], "resources": ["resourceslices"], "verbs": ["list", "watch"]},
        {"apiGroups": ["resource.k8s.io"], "resources": ["resourceclaims"], "verbs": ["get"]},
    ] == role["rules"]
    assert role["metadata"]["name"] == binding["roleRef"]["name"]
    assert [{"kind": "ServiceAccount", "name": spec["serviceAccountName"], "namespace": "podres"}] == binding[
        "subjects"
    ]
    assert spec["automountServiceAccountToken"]


@pytest.mark.parametrize(
    ("served", "values", "has_rights"),
    [
        ("resource.k8s.io/v1", {}, True),
        ("resource.k8s.io/v1beta2", {}, True),
        ("resource.k8s.io/v1beta1", {}, True),
        ("resource.k8s.io/v1alpha3", {}, False),
        ("", {}, False),
        ("", {"rbac": {"dra": True}}, True),
        ("resource.k8s.io/v1", {"rbac": {"dra": False}}, False),
        ("resource.k8s.io/v1", {"collectors": {"dra": False}}, False),
        ("", {"rbac": {"dra": True}, "collectors": {"dra": False}}, False),
    ],
)
def test_slices_and_claims_may_be_read_where_the_cluster_serves_them(
    helm: Helm, served: str, values: Object, *, has_rights: bool
) -> None:
    """By what Helm finds there, unless rbac.dra says otherwise; never where the collector is off."""
    role = one(helm.objects(values, served=served), "ClusterRole")
    groups = [rule["apiGroups"] for rule in role["rules"]]

    assert [[""], *([["resource.k8s.io"]] * 2 if has_rights else [])] == groups


@pytest.mark.parametrize("file", [ROOT / "README.md", CHART / "README.md"])
def test_readme_names_these_rights(file: Path) -> None:
    """Whoever grants them reads it there."""
    assert "`list` and `watch` of `pods`" in file.read_text(encoding="utf-8")


def test_without_the_api_server_there_is_no_token_and_no_right(rendered: dict[str, list[Object]]) -> None:
    """metadata.source=none."""
    objects = rendered["minimal"]

    assert not TOKEN_KINDS & set(kinds(objects))
    assert [False, False] == [spec["automountServiceAccountToken"] for spec in pod_specs(objects)]
    assert all("serviceAccountName" not in spec for spec in pod_specs(objects))


def test_an_account_of_ones_own_is_used_and_none_is_made(rendered: dict[str, list[Object]]) -> None:
    """serviceAccount.create=false, rbac.create=false."""
    objects = rendered["everything-else"]

    assert not TOKEN_KINDS & set(kinds(objects))
    assert ["mine", "mine"] == [spec["serviceAccountName"] for spec in pod_specs(objects)]


@pytest.mark.parametrize(
    ("variant", "selinux_type"), [("openshift", "container_device_plugin_t"), ("openshift-minimal", "spc_t")]
)
def test_openshift_admits_the_service_account_to_uid_0_host_paths_and_one_selinux_type(
    rendered: dict[str, list[Object]], variant: str, selinux_type: str
) -> None:
    """Everything else of the constraints is as restricted-v2 has it; the pods ask for them by name."""
    objects = rendered[variant]
    constraints = one(objects, "SecurityContextConstraints")
    allowed = sorted(name for name, value in constraints.items() if name.startswith("allow") and value)
    account = one(objects, "ServiceAccount")["metadata"]["name"]
    asked = one(objects, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]["openshift.io/required-scc"]

    assert ["allowHostDirVolumePlugin"] == allowed
    assert {"type": "RunAsAny"} == constraints["runAsUser"]
    assert constraints["readOnlyRootFilesystem"]
    assert {"type": "MustRunAs", "seLinuxOptions": {"type": selinux_type}} == constraints["seLinuxContext"]
    assert [{"type": selinux_type}] * 2 == [spec["securityContext"]["seLinuxOptions"] for spec in pod_specs(objects)]
    assert [f"system:serviceaccount:podres:{account}"] == constraints["users"]
    assert constraints["metadata"]["name"] == asked
    assert all(spec["serviceAccountName"] == account for spec in pod_specs(objects))


def test_the_network_is_open_to_prometheus_and_the_api_server(rendered: dict[str, list[Object]]) -> None:
    """By the port's name, so that another number needs no change."""
    spec = one(rendered["network-policy"], "NetworkPolicy")["spec"]

    assert [{"port": "metrics", "protocol": "TCP"}] == spec["ingress"][0]["ports"]
    assert [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}] == spec["ingress"][
        0
    ]["from"]
    assert [
        {
            "ports": [{"port": 6443, "protocol": "TCP"}],
            "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}, {"ipBlock": {"cidr": "2001:db8::/32"}}],
        }
    ] == spec["egress"]


def test_without_the_api_server_nothing_may_leave(rendered: dict[str, list[Object]]) -> None:
    """An empty list with the policy type Egress is a refusal of everything."""
    spec = one(rendered["network-policy-minimal"], "NetworkPolicy")["spec"]

    assert (["Ingress", "Egress"], []) == (spec["policyTypes"], spec["egress"])
