"""Metrics of memory and huge pages."""

import pytest
from pages import sample_lines, wanted
from snapshots import holding, one_container, stocked

from podres_exporter.model import Container, MemoryBlock, MemoryStock, Pod


def block(size_bytes: int, *nodes: int, memory_type: str = "memory") -> MemoryBlock:
    return MemoryBlock(memory_type, frozenset(nodes), size_bytes)


def test_a_block_over_several_nodes_is_one_series_with_the_total() -> None:
    """The kubelet does not say how it is split, so the size must not be added to each node."""
    container = Container("c", memory=(block(5368709120, 0, 1), block(2097152, 1, memory_type="hugepages-2Mi")))

    actual = sample_lines(one_container(container), "podres_container_memory_bytes")

    identity = 'podres_container_memory_bytes{namespace="ml",pod="a",container="c"'
    assert (
        "\n"
        f'{identity},memory_type="memory",numa_nodes="0-1"}} 5368709120\n'
        f'{identity},memory_type="hugepages-2Mi",numa_nodes="1"}} 2097152\n'
    ) == actual


def test_blocks_with_equal_labels_are_one_series() -> None:
    """No series twice: Prometheus would refuse the scrape."""
    container = Container("c", memory=(block(1, 0), block(2, 0), block(4)))

    actual = sample_lines(one_container(container), "podres_container_memory_bytes")

    assert (
        wanted(
            """
            podres_container_memory_bytes{namespace="ml",pod="a",container="c",memory_type="memory",numa_nodes="0"} 3
            podres_container_memory_bytes{namespace="ml",pod="a",container="c",memory_type="memory",numa_nodes=""} 4
            """
        )
        == actual
    )


CPUS = frozenset({2, 3})


@pytest.mark.parametrize(
    ("pod", "size_bytes"),
    [
        pytest.param(
            Pod("ml", "a", (Container("x", memory=(block(64, 0),)), Container("y", memory=(block(64, 0),)))),
            128,
            id="each container has a block of its own",
        ),
        pytest.param(
            Pod(
                "ml",
                "a",
                (
                    Container("x", exclusive_cpus=CPUS, memory=(block(64, 0),)),
                    Container("y", exclusive_cpus=CPUS, memory=(block(64, 0),)),
                ),
            ),
            64,
            id="1.36 repeats the pod's block on the containers that share its CPUs",
        ),
        pytest.param(
            Pod("ml", "a", (Container("x", memory=(block(64, 0),)),), memory=(block(256, 0),)),
            256,
            id="1.37 lists the pod's blocks, its containers' included",
        ),
    ],
)
def test_a_pod_counts_each_block_once(pod: Pod, size_bytes: int) -> None:
    """Sums over containers gave 448 MiB where 256 MiB were granted."""
    actual = sample_lines(holding(pod), "podres_pod_memory_bytes")

    labels = 'namespace="ml",pod="a",memory_type="memory",numa_nodes="0"'
    assert f"\npodres_pod_memory_bytes{{{labels}}} {size_bytes}\n" == actual


def test_the_node_shows_what_may_be_granted_and_what_is() -> None:
    """Nothing granted is zero; a row over several nodes has no report of its own."""
    snapshot = stocked(
        memory=(
            MemoryStock("hugepages-1Gi", frozenset({1}), 1073741824, 0),
            MemoryStock("memory", frozenset({0}), 4055891968, 67108864),
            MemoryStock("memory", frozenset({0, 1}), None, 5368709120),
        )
    )

    actual = sample_lines(snapshot, "podres_node_allocatable_memory_bytes", "podres_node_allocated_memory_bytes")

    assert (
        wanted(
            """
            podres_node_allocatable_memory_bytes{memory_type="hugepages-1Gi",numa_nodes="1"} 1073741824
            podres_node_allocatable_memory_bytes{memory_type="memory",numa_nodes="0"} 4055891968
            podres_node_allocated_memory_bytes{memory_type="hugepages-1Gi",numa_nodes="1"} 0
            podres_node_allocated_memory_bytes{memory_type="memory",numa_nodes="0"} 67108864
            podres_node_allocated_memory_bytes{memory_type="memory",numa_nodes="0-1"} 5368709120
            """
        )
        == actual
    )


def test_without_a_static_policy_there_are_no_memory_series() -> None:
    """Policy None: empty lists."""
    actual = sample_lines(
        one_container(Container("c")),
        "podres_container_memory_bytes",
        "podres_pod_memory_bytes",
        "podres_node_allocatable_memory_bytes",
        "podres_node_allocated_memory_bytes",
    )

    assert actual == "\n"


def test_bytes_are_written_as_whole_numbers() -> None:
    """A float's shortest text would be 1.8446744073709552e+19, which is another number."""
    actual = sample_lines(one_container(Container("c", memory=(block(2**64 - 1, 0),))), "podres_container_memory_bytes")

    assert actual.endswith("} 18446744073709551615\n")
