"""Which pods are trusted as exporters."""

import pytest

from podres_exporter.cluster.installation import (
    AmbiguousError,
    DaemonSetKey,
    choose_installation,
    daemon_sets,
    oldest_namespace,
    other_lines,
)
from podres_exporter.cluster.pod_list import ListedPod, Meta, Owner, Spec

SET = Owner("apps/v1", "DaemonSet", "exporter", "u1", controller=True)


def wearing(name: str, *owners: Owner, namespace: str = "monitoring") -> ListedPod:
    return ListedPod(Meta(namespace, name, owner_references=list(owners) or None), Spec("n1"))


@pytest.mark.parametrize(
    "owner",
    [
        Owner("apps/v1", "ReplicaSet", "exporter", "u1", controller=True),
        Owner("apps/v1", "DaemonSet", "exporter", "u1", controller=False),
        Owner("apps/v1", "DaemonSet", "exporter", "u1"),
        Owner("example.com/v1", "DaemonSet", "exporter", "u1", controller=True),
        Owner("v1", "DaemonSet", "exporter", "u1", controller=True),
    ],
)
def test_only_a_daemon_set_that_controls_the_pod_owns_it(owner: Owner) -> None:
    assert [] == daemon_sets([wearing("a", owner)])
    assert [DaemonSetKey("monitoring", "exporter", "u1")] == daemon_sets([wearing("b", owner, SET), wearing("c", SET)])


def test_what_does_not_belong_to_the_daemon_set_is_no_member_wherever_it_is() -> None:
    """The same namespace is no witness either: who may create pods there need not be who may be believed."""
    member = wearing("a", SET)
    others = [wearing("b"), wearing("cat-pictures", namespace="tenant"), wearing("c", SET, namespace="tenant")]
    for is_given in (True, False):
        found = choose_installation([*others, member], "monitoring", is_given=is_given)

        assert ((member,), tuple(others)) == (found.pods, found.others)


def test_where_no_daemon_set_owns_any_the_user_must_name_the_namespace() -> None:
    pods = [wearing("a"), wearing("b", namespace="tenant")]
    with pytest.raises(AmbiguousError, match=r"monitoring/a on n1, tenant/b on n1: .* with --exporter-namespace"):
        choose_installation(pods, None, is_given=False)

    assert ("a",) == tuple(each.metadata.name for each in choose_installation(pods, "monitoring", is_given=True).pods)


def test_of_several_daemon_sets_the_one_that_was_created_first_is_believed() -> None:
    """One that does not exist was only written into a pod."""
    ours, theirs, made_up = (DaemonSetKey(namespace, "e", "u") for namespace in ("z-ours", "b-theirs", "a-made-up"))
    created = {theirs: "2026-02-01T00:00:00Z", ours: "2026-01-01T00:00:00Z", made_up: None}

    assert "z-ours" == oldest_namespace(created)
    with pytest.raises(AmbiguousError, match="exists; give their namespace with --exporter-namespace"):
        oldest_namespace({made_up: None})


def test_names_of_others_cannot_play_with_the_terminal_and_do_not_flood_it() -> None:
    others = [wearing(f"evil\x1b[2J{number}", namespace="tenant") for number in range(50)]
    (line,) = other_lines(choose_installation([wearing("a", SET), *others], "monitoring", is_given=False))

    assert line.isprintable()
    assert "and 45 more: they have the exporter's labels but do not belong to the DaemonSet in monitoring" in line
    assert [] == other_lines(choose_installation([wearing("a", SET)], "monitoring", is_given=False))
