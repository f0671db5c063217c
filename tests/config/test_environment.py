"""Environment variables that are nearly ours."""

import pytest

from podres_exporter.config.environment import unknown_variables, variables_of
from podres_exporter.config.options import OPTIONS

KNOWN = variables_of(["devices"])


def test_every_flag_of_serve_has_its_variable() -> None:
    assert {option.flag for option in OPTIONS} < set(KNOWN.values())
    assert ("--collector.devices", "--metrics.node-label") == (
        KNOWN["PODRES_COLLECTOR_DEVICES"],
        KNOWN["PODRES_METRICS_NODE_LABEL"],
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("PODRES_KUBELET_SOKET", "PODRES_KUBELET_SOCKET"),
        ("PODRES_COLLECTORS_DEVICES", "PODRES_COLLECTOR_DEVICES"),
        ("PODRES_QQQ", ""),
    ],
)
def test_a_variable_that_is_nearly_ours_is_named_with_the_nearest(name: str, near: str) -> None:
    assert ((name, near),) == unknown_variables({name: "x", "PATH": "/bin"}, KNOWN)


@pytest.mark.parametrize(
    "name",
    [
        "PODRES_KUBELET_SOCKET",
        "PODRES_EXPORTER_SERVICE_HOST",
        "PODRES_EXPORTER_SERVICE_PORT_METRICS",
        "PODRES_EXPORTER_PORT",
        "PODRES_EXPORTER_PORT_10190_TCP_ADDR",
        "podres_kubelet_soket",
        "MY_PODRES_KUBELET_SOKET",
    ],
)
def test_our_own_kubernetes_and_other_programs_variables_are_not(name: str) -> None:
    """Kubernetes sets some for every service of a namespace."""
    assert () == unknown_variables({name: "x"}, KNOWN)
