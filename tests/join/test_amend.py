"""News of single pods into the last whole answer."""

from dataclasses import replace

from builders import container, gpu, listing, pod

from podres_exporter.join import amend

A, B, C = (pod(name, container("main", gpu(name))) for name in "abc")


def test_a_new_pod_takes_its_place_in_the_order() -> None:
    """A listing is sorted, whatever came when."""
    assert listing(A, B, C) == amend(listing(A, C), {B.key: B})


def test_a_changed_pod_takes_the_place_of_the_old_one() -> None:
    """Nothing of the old one stays."""
    changed = pod("b", container("other"))

    assert listing(A, changed, C) == amend(listing(A, B, C), {B.key: changed})


def test_a_pod_that_is_no_longer_listed_leaves() -> None:
    """Its devices are free then; one that was never there changes nothing."""
    assert listing(A, C) == amend(listing(A, B, C), {B.key: None, ("ml", "never"): None})


def test_a_pod_that_did_not_change_stays_the_same_record() -> None:
    """What depends on a record is kept as long as the record is."""
    amended = amend(listing(A, B), {A.key: replace(A)})

    assert A is amended.pods[0]


def test_what_is_said_of_the_answer_as_a_whole_stays() -> None:
    """The count of pods that shared a name was the whole answer's."""
    assert 2 == amend(replace(listing(A), merged_pods=2), {B.key: B}).merged_pods
