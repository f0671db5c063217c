"""The node in a few numbers."""

from asking_rig import GPU, known, running, small_node, spec
from builders import container, pod

from podres_exporter.model import ContainerKind
from podres_exporter.page.totals import totals


def test_what_is_held_unlisted_is_not_called_free() -> None:
    """A sidecar that a kubelet up to 1.29 does not list has one of the four GPUs."""
    meta = running("a", spec("side", devices={GPU: 1}, kind=ContainerKind.SIDECAR), spec("main"), qos="BestEffort")
    node = small_node(pod("a", container("main"), namespace="ml"), metadata=known(meta))
    assert node.allocation

    assert "3 free" in totals(node.allocation)
    assert "4 free" not in totals(node.allocation)
