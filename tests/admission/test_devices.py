"""The Device Manager: NUMA hints, allocated devices, and what its plugin is asked."""

import pytest
from admission_rig import offer, pod, want

from podres_exporter.admission import AllocationError, DeviceManager, DeviceWant, Hint, Kind, Offers, PluginDevice
from podres_exporter.admission.policy import ProviderHints
from podres_exporter.model import Device

GPU = "example.com/gpu"
IDLE = DeviceManager(frozenset([0, 1]))
ANYWHERE = Hint(None, preferred=False)
ON_0 = Hint(frozenset([0]), preferred=True)
ON_1 = Hint(frozenset([1]), preferred=True)
WIDE = Hint(frozenset([0, 1]), preferred=False)
FOUR = offer({0}, {0}, {1}, {1})


def hints(devices: tuple[PluginDevice, ...], count: int, manager: DeviceManager = IDLE) -> ProviderHints:
    container = want(devices={GPU: count})
    return manager.container_hints(pod(container), container, {GPU: devices})


def wanted(devices: tuple[PluginDevice, ...], count: int, hint: Hint, manager: DeviceManager = IDLE) -> DeviceWant:
    container = want(devices={GPU: count})
    (result,) = manager.wants(pod(container), container, {GPU: devices}, hint)
    return result


def held(*ids: str, uid: str = "other") -> DeviceManager:
    return DeviceManager(IDLE.numa_nodes, {(uid, "main"): frozenset(Device(GPU, i, frozenset()) for i in ids)})


def ids(devices: tuple[Device, ...]) -> list[str]:
    return [device.device_id for device in devices]


@pytest.mark.parametrize(
    ("devices", "count", "expected"),
    [
        (FOUR, 2, (ON_0, ON_1, WIDE)),
        (FOUR, 3, (Hint(frozenset([0, 1]), preferred=True),)),
        (FOUR, 5, ()),
        (offer({0, 1}), 1, (ON_0, ON_1, WIDE)),
        (offer({0}, {7}), 1, (ON_0,)),
        (offer({0}, {0}), 1, (ON_0,)),
        (offer({-1}, {-1}), 1, ()),
        (offer({7}), 1, ()),
        (offer(set(), set()), 1, None),
        (offer(set(), {1}), 1, (ON_1,)),
        (offer(set(), {1}), 2, ()),
    ],
    ids=[
        "as many as a node has",
        "more than a node has",
        "more than there are",
        "any node of a device will do",
        "unknown nodes are left out",
        "nodes without devices are left out",
        "only node -1",
        "only an unknown node",
        "no topology at all",
        "one device with a node makes the resource matter",
        "devices that state no node are near none",
    ],
)
def test_hints_for_devices(devices: tuple[PluginDevice, ...], count: int, expected: tuple[Hint, ...] | None) -> None:
    assert {GPU: expected} == hints(devices, count)


def test_held_and_sick_devices_could_but_cannot() -> None:
    """Two on node 0 would be preferred, were not one held and one sick."""
    assert {GPU: (ON_1, WIDE)} == hints(FOUR, 2, held("d0"))
    assert {GPU: (WIDE,)} == hints(offer({0}, {0}, {1}, {1}, sick=frozenset([0])), 2, held("d2"))


def test_a_resource_that_nobody_offers_is_overlooked() -> None:
    container = want(devices={GPU: 1})

    assert IDLE.container_hints(pod(container), container, {}) == {}
    assert IDLE.wants(pod(container), container, {}, ON_0) == ()


def test_none_of_a_resource_is_not_a_request() -> None:
    assert hints(FOUR, 0) == {}


def test_a_pod_asks_for_the_most_that_it_needs_at_any_time() -> None:
    asking = pod(
        want("init", kind=Kind.INIT, devices={GPU: 1}), want("a", devices={GPU: 2}), want("b", devices={GPU: 1})
    )

    assert {GPU: (Hint(frozenset([0, 1]), preferred=True),)} == IDLE.pod_hints(asking, {GPU: FOUR, "x": ()})


def test_the_plugin_may_choose_among_the_near_devices() -> None:
    plan = wanted(FOUR, 1, ON_1)

    assert plan.ask
    assert ["d2", "d3"] == ids(plan.available)
    assert frozenset(["d2"]) == plan.settle()
    assert frozenset(["d3"]) == plan.settle(["d0", "d3"])


def test_where_all_near_devices_are_needed_nobody_is_asked() -> None:
    plan = wanted(FOUR, 2, ON_1)

    assert not plan.ask
    assert frozenset(["d2", "d3"]) == plan.settle()


def test_near_devices_are_taken_before_the_plugin_chooses_among_the_rest() -> None:
    plan = wanted((*FOUR, PluginDevice("a-nowhere")), 3, ON_1)

    assert plan.ask
    assert ["d2", "d3"] == ids(plan.must_include)
    assert ["d2", "d3", "d0", "d1", "a-nowhere"] == ids(plan.available)
    assert frozenset(["d0", "d2", "d3"]) == plan.settle()
    assert frozenset(["a-nowhere", "d2", "d3"]) == plan.settle(["a-nowhere"])


def test_without_a_hint_all_devices_are_alike() -> None:
    """The kubelet asks even where there is nothing left to choose."""
    plan = wanted(FOUR, 4, ANYWHERE)

    assert plan.ask
    assert plan.must_include == ()
    assert frozenset(["d0", "d1", "d2", "d3"]) == plan.settle(["d3"])


def test_sick_devices_are_passed_over() -> None:
    assert frozenset(["d1"]) == wanted(offer({0}, {0}, sick=frozenset([0])), 1, ON_0).settle(["d0"])


def test_devices_of_node_minus_one_come_last() -> None:
    assert frozenset(["d1", "d2"]) == wanted(offer({-1}, {0}, {1}), 2, ON_1).settle()


def test_a_plugin_that_prefers_too_many_gets_no_more_than_asked() -> None:
    assert frozenset(["d3", "d1"]) == wanted(FOUR, 2, WIDE).settle(["d3", "d1", "d3", "d0", "d2"])


@pytest.mark.parametrize(
    ("devices", "manager", "message"),
    [
        (FOUR, held("d0", "d1"), f"requested number of devices unavailable for {GPU}. Requested: 3, Available: 2"),
        (
            offer({0}, {0}, sick=frozenset([0, 1])),
            IDLE,
            f"no healthy devices present; cannot allocate unhealthy devices {GPU}",
        ),
        ((), IDLE, f"no healthy devices present; cannot allocate unhealthy devices {GPU}"),
        (None, held("d0"), f"cannot allocate unregistered device {GPU}"),
    ],
    ids=["too few", "all sick", "none", "plugin never seen again"],
)
def test_refusals_are_in_the_words_of_the_kubelet(
    devices: tuple[PluginDevice, ...] | None, manager: DeviceManager, message: str
) -> None:
    container = want(devices={GPU: 3})
    offers: Offers = {} if devices is None else {GPU: devices}

    with pytest.raises(AllocationError) as raised:
        manager.wants(pod(container), container, offers, ON_0)

    assert message == str(raised.value)


def test_devices_of_ended_init_containers_are_taken_first() -> None:
    asking = pod(want("init", kind=Kind.INIT, devices={GPU: 2}), want("app", devices={GPU: 3}))
    init, app = asking.containers
    manager = IDLE.allocate(asking, init, [Device(GPU, "d3", frozenset([1])), Device(GPU, "d2", frozenset([1]))])
    (plan,) = manager.wants(asking, app, {GPU: FOUR}, WIDE)

    assert ["d2", "d3"] == ids(plan.must_include)
    assert frozenset(["d0", "d2", "d3"]) == plan.settle()
    assert {GPU: (Hint(frozenset([0, 1]), preferred=True),)} == manager.container_hints(asking, app, {GPU: FOUR})


def test_a_mask_that_leaves_reusable_devices_out_is_no_hint() -> None:
    asking = pod(want("init", kind=Kind.INIT, devices={GPU: 1}), want("app", devices={GPU: 1}))
    init, app = asking.containers
    manager = IDLE.allocate(asking, init, [Device(GPU, "d3", frozenset([1]))])
    (plan,) = manager.wants(asking, app, {GPU: FOUR}, ON_1)

    assert {GPU: (ON_1, WIDE)} == manager.container_hints(asking, app, {GPU: FOUR})
    assert not plan.ask
    assert frozenset(["d3"]) == plan.settle()


def test_devices_of_a_sidecar_are_not_reused() -> None:
    asking = pod(want("side", kind=Kind.SIDECAR, devices={GPU: 1}), want("app", devices={GPU: 1}))
    manager = IDLE.allocate(asking, asking.containers[0], [Device(GPU, "d0", frozenset([0]))])
    (plan,) = manager.wants(asking, asking.containers[1], {GPU: FOUR}, ON_0)

    assert frozenset(["d1"]) == plan.settle()


def test_a_device_is_held_with_the_nodes_that_list_reports() -> None:
    """Node -1 is no node there, an unknown one is (measured on 1.36.3 and 1.27.16)."""
    plan = wanted(offer({-1}, {7}, set()), 3, ANYWHERE)

    assert [frozenset(), frozenset([7]), frozenset()] == [device.numa_nodes for device in plan.available]


def test_release_gives_everything_back() -> None:
    manager = held("d0").allocate(pod(want()), want(), [Device(GPU, "d1", frozenset())])

    assert held("d0") == manager.release("uid")
