"""The pods that the Pods API has reported, and which of them a sync removes."""

from dataclasses import replace

from podres_exporter.model import PodKey, PodMeta
from podres_exporter.podmeta import DecodedPod
from podres_exporter.podsapi.pod_bytes import ReceivedPod
from podres_exporter.podsapi.roster import Roster

OWN = ("monitoring", "podres-1")
HOLD = 60.0


def pod(
    name: str = "a", *, uid: str = "1", phase: str = "Running", generation: int = 0, static: bool = False
) -> ReceivedPod:
    namespace, _, short = name.rpartition("/")
    meta = PodMeta(
        namespace or "ml", short, uid, phase=phase, is_terminal=phase in {"Succeeded", "Failed"}, is_mirror=static
    )
    return ReceivedPod(DecodedPod(meta, "1"), generation)


OWN_POD = pod("/".join(OWN))


class Kubelet:
    """Says pods to a roster."""

    def __init__(self, own: PodKey | None = OWN) -> None:
        self.roster = Roster(own, HOLD)

    def sync(self, *pods: ReceivedPod, now: float = 0.0, restarted: bool = False, young: bool = False) -> set[str]:
        self.roster.opened(has_restarted=restarted, is_young=young)
        for each in pods:
            self.roster.said(each, now)
        return {meta.name for meta in self.roster.synced(now)}


def test_a_sync_of_the_same_kubelet_drops_what_it_does_not_name() -> None:
    """The stream had been cut, and the pod ended meanwhile."""
    kubelet = Kubelet()
    assert {"podres-1", "a"} == kubelet.sync(OWN_POD, pod(), restarted=True)

    assert {"podres-1"} == kubelet.sync(OWN_POD, now=1.0)


def test_a_restarted_kubelet_s_silence_ends_nothing_before_it_names_the_witness() -> None:
    """It is no second witness: it does not know its pods yet, however long that lasts."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), restarted=True)

    assert {"podres-1", "a"} == kubelet.sync(restarted=True, young=True, now=10.0)
    assert {"podres-1", "a", "static-n1"} == kubelet.sync(pod("static-n1", static=True), now=9999.0)
    assert {OWN, ("ml", "a")} == set(kubelet.roster.unnamed())


def test_what_the_restarted_kubelet_never_names_ends_the_hold_down_after_the_witness() -> None:
    """An admission may block those behind it in the set, so the witness alone ends nothing either."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), pod("b"), restarted=True)

    assert {"podres-1", "a", "b"} == kubelet.sync(OWN_POD, restarted=True, young=True, now=10.0)
    assert HOLD == kubelet.roster.next_sync_seconds(10.0, 300.0)
    kubelet.roster.said(pod("b"), 20.0)
    assert {"podres-1", "a", "b"} == kubelet.sync(OWN_POD, pod("b"), now=69.0)
    assert {"podres-1", "b"} == kubelet.sync(OWN_POD, pod("b"), now=70.0)
    assert 300.0 == kubelet.roster.next_sync_seconds(70.0, 300.0)


def test_what_the_restarted_kubelet_named_and_does_not_any_more_is_gone_at_once() -> None:
    """Then its silence says something."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), restarted=True)
    kubelet.sync(OWN_POD, pod(), restarted=True, young=True, now=10.0)

    assert {"podres-1"} == kubelet.sync(OWN_POD, now=11.0)


def test_an_explicit_end_counts_at_any_time() -> None:
    """Also before the witness."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), restarted=True)
    kubelet.sync(restarted=True, young=True, now=10.0)

    assert kubelet.roster.ended(("ml", "a"), "1")
    assert {"podres-1"} == kubelet.sync(now=11.0)


def test_the_end_of_another_instance_ends_nothing() -> None:
    """A StatefulSet pod is recreated under its old name, and the deletion of the old one may be reported afterwards."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(uid="2"), restarted=True)

    assert not kubelet.roster.ended(("ml", "a"), "1")
    assert not kubelet.roster.ended(("ml", "stranger"), "1")


def test_a_finished_pod_stays_finished_until_a_sync_lacks_it() -> None:
    """DELETED says that nothing of it runs any more; the pod of a Job is still there."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), restarted=True)
    kubelet.roster.said(pod(phase="Succeeded"), 1.0)

    assert not kubelet.roster.ended(("ml", "a"), "1")
    assert {"podres-1", "a"} == kubelet.sync(OWN_POD, pod(phase="Succeeded"), now=2.0)
    assert {"podres-1"} == kubelet.sync(OWN_POD, now=3.0)


def test_a_pod_that_was_being_deleted_is_gone_when_it_has_ended() -> None:
    """The kubelet says that it has finished first, and its end once; nothing tells later that it exists no more."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(), restarted=True)
    ending = pod(phase="Succeeded")
    kubelet.roster.said(
        replace(ending, decoded=replace(ending.decoded, meta=replace(ending.decoded.meta, is_deleting=True))), 1.0
    )

    assert kubelet.roster.ended(("ml", "a"), "1")


def test_an_older_event_after_the_sync_is_passed_over_where_generations_tell() -> None:
    """The stream is registered before the pods are listed."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(generation=3), restarted=True)

    assert kubelet.roster.said(pod(generation=2, phase="Pending"), 1.0) is None
    assert kubelet.roster.said(pod(generation=3, phase="Succeeded"), 1.0) is not None
    assert kubelet.roster.said(pod(generation=0), 1.0) is not None
    assert kubelet.roster.said(pod(uid="2", generation=1), 1.0) is not None


def test_a_restarted_kubelet_may_say_an_older_generation() -> None:
    """It says what it has, and a sync is the whole truth of that moment."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, pod(generation=3), restarted=True)
    kubelet.sync(OWN_POD, restarted=True, young=True)

    assert kubelet.roster.said(pod(generation=2), 1.0) is not None


def test_of_two_instances_of_one_name_the_running_one_is_told_of() -> None:
    """A pod manager may have both for a moment."""
    kubelet = Kubelet()
    kubelet.roster.opened(has_restarted=True, is_young=False)
    kubelet.roster.said(pod(uid="2"), 0.0)

    assert kubelet.roster.said(pod(uid="1", phase="Failed"), 0.0) is None
    assert ["2"] == [meta.uid for meta in kubelet.roster.synced(0.0)]


def test_the_pods_are_complete_with_the_witness() -> None:
    """An old kubelet is complete at once; a young one needs the time in which it hears of all."""
    old, young = Kubelet(), Kubelet()
    old.sync(OWN_POD, restarted=True)
    young.sync(OWN_POD, restarted=True, young=True)

    assert old.roster.is_complete(0.0)
    assert not young.roster.is_complete(0.0)
    assert 3.0 == young.roster.next_sync_seconds(0.0, 300.0)
    assert young.roster.is_complete(3.0)


def test_without_the_witness_the_pods_are_not_complete() -> None:
    """A kubelet without its API server knows static pods only."""
    kubelet = Kubelet()
    kubelet.sync(pod("static-n1", static=True), restarted=True)

    assert not kubelet.roster.is_complete(9999.0)
    assert 300.0 == kubelet.roster.next_sync_seconds(9999.0, 300.0)


def test_they_stay_complete_over_a_restart() -> None:
    """What the new kubelet has not named yet stays, so nothing is missing."""
    kubelet = Kubelet()
    kubelet.sync(OWN_POD, restarted=True)
    kubelet.sync(restarted=True, young=True, now=5.0)

    assert kubelet.roster.is_complete(5.0)


def test_a_wrong_own_name_is_noticed() -> None:
    """Where others have been named for ten seconds without the own pod."""
    kubelet = Kubelet(("monitoring", "elsewhere"))
    kubelet.sync(pod(), restarted=True, now=0.0)

    assert not kubelet.roster.is_complete(9.0)
    assert 10.0 == kubelet.roster.next_sync_seconds(0.0, 300.0)
    assert kubelet.roster.is_complete(10.0)


def test_outside_a_pod_any_pod_that_is_not_static_is_the_witness() -> None:
    """On a node with static pods only there is none: a stated limit."""
    kubelet = Kubelet(own=None)
    kubelet.sync(pod("static-n1", static=True), restarted=True)
    assert not kubelet.roster.is_complete(9999.0)

    kubelet.roster.said(pod(), 9999.0)
    assert kubelet.roster.is_complete(9999.0)
