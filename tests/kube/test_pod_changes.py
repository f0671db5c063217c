"""The keys of changed pods, from lists and events."""

from podres_exporter.kube.pods.cache import added, removed, replaced
from podres_exporter.model import PodMeta

A, B, C = (PodMeta("ml", name, f"uid-{name}") for name in "abc")
PODS = {A.key: A, B.key: B}


def test_a_list_replaces_everything_at_once() -> None:
    """Telling what is new, other and gone, and not what stays."""
    other = PodMeta("ml", "b", "another-uid")
    new, keys = replaced({**PODS, C.key: C}, [other, C])

    assert {B.key: other, C.key: C} == new
    assert (A.key, B.key) == keys


def test_the_same_list_again_changes_nothing() -> None:
    assert (PODS, ()) == replaced(PODS, [B, A])


def test_pods_that_are_gone_come_before_those_that_may_have_their_devices_now() -> None:
    """Found by the storm: a device was shown on its old holder and its new one until the old one was asked for."""
    names = {name: PodMeta("ml", name, f"uid-{name}") for name in "abcxyz"}
    pods = {names[name].key: names[name] for name in "xyzb"}
    again = PodMeta("ml", "b", "uid-of-the-next")

    _, keys = replaced(pods, [names["c"], names["a"], again, names["y"]])

    assert ["x", "z", "b", "a", "c"] == [name for _, name in keys]


def test_an_empty_list_is_all_pods_gone() -> None:
    new, keys = replaced(PODS, [])

    assert {} == new
    assert (A.key, B.key) == keys


def test_a_new_and_another_pod_are_put_in_and_the_old_mapping_stays() -> None:
    other = PodMeta("ml", "a", "uid-a", phase="Running")

    assert {**PODS, C.key: C} == added(PODS, C)
    assert {A.key: other, B.key: B} == added(PODS, other)
    assert {A.key: A, B.key: B} == PODS


def test_an_event_without_news_gives_the_same_mapping() -> None:
    assert added(PODS, PodMeta("ml", "a", "uid-a")) is PODS


def test_a_pod_that_is_gone_is_taken_out() -> None:
    assert {B.key: B} == removed(PODS, A.key, A.uid)
    assert {B.key: B} == removed(PODS, A.key, "")


def test_a_late_delete_of_the_old_pod_leaves_the_new_one() -> None:
    """A StatefulSet recreates its pod under the old name."""
    assert removed(PODS, A.key, "uid-of-the-old-one") is PODS


def test_a_delete_of_an_unknown_pod_is_nothing() -> None:
    assert removed(PODS, C.key, C.uid) is PODS
