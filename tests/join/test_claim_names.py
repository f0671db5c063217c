"""Names of template-made claims, inferred from Kubernetes' naming rule."""

import pytest

from podres_exporter.join.claims import claims_to_name, template_base, with_claim_names, with_told_names
from podres_exporter.model import Claim, Container, ContainerKind, ContainerSpec, Pod, PodMeta


def listed(*names: str, pod: str = "train") -> Pod:
    return Pod("ml", pod, (Container("main", claims=tuple(Claim("ml", name, ()) for name in names)),))


def asking(*unnamed: str, pod: str = "train", devices: bool = False, **more: object) -> PodMeta:
    specs = (ContainerSpec("main", ContainerKind.APP, devices=(("example.com/gpu", 1),) if devices else ()),)
    return PodMeta("ml", pod, "1", unnamed_claims=unnamed, containers=specs, **more)  # type: ignore[arg-type]


def named(meta: PodMeta, pod: Pod) -> tuple[tuple[str, str], ...]:
    found = with_claim_names(meta, pod)
    assert found is not None
    assert () == found.unnamed_claims
    return found.claims


def test_a_claim_is_found_by_pod_and_name() -> None:
    """`POD-CLAIM-` and five characters of those that Kubernetes draws."""
    assert (("gpu", "train-gpu-cxs27"),) == named(asking("gpu"), listed("train-gpu-cxs27", "shared"))


def test_of_two_claims_that_begin_alike_each_is_found() -> None:
    """The five characters have no dash, so `train-a-b-xxxxx` is no claim `a`."""
    both = listed("train-a-xxxxx", "train-a-b-zzzzz")

    assert (("a", "train-a-xxxxx"), ("a-b", "train-a-b-zzzzz")) == named(asking("a", "a-b"), both)


@pytest.mark.parametrize("name", ["train-gpu-cxs2", "train-gpu-cxs277", "train-gpu-aeiou", "other-gpu-cxs27", "train"])
def test_a_name_that_is_not_made_so_is_not_taken(name: str) -> None:
    """A vowel is none of the characters that are drawn."""
    assert () == named(asking("gpu"), listed(name))


def test_two_candidates_are_none() -> None:
    """Then the devices are the claim's, and not any container's."""
    assert () == named(asking("gpu"), listed("train-gpu-cxs27", "train-gpu-cxs28"))


def test_two_claims_of_one_base_are_both_unknown() -> None:
    """Of a long pod, names are cut, and then they may be equal."""
    pod = "p" * 53
    base = template_base(pod, "gpu-a")
    assert base == template_base(pod, "gpu-b")

    assert () == named(asking("gpu-a", "gpu-b", pod=pod), listed(f"{base}cxs27", pod=pod))


def test_a_long_name_is_cut_in_proportion() -> None:
    """As the controller does: 57 of both, and no dash at the end."""
    assert "train-gpu-" == template_base("train", "gpu")
    assert f"{'p' * 45}-{'c' * 9}" == template_base("p" * 50, "c" * 10)
    pod, name = "p" * 50, f"{'p' * 45}-{'c' * 9}cxs27"
    assert (("c" * 10, name),) == named(asking("c" * 10, pod=pod), listed(name, pod=pod))


def test_known_names_stay_and_are_nobody_else_s() -> None:
    """The claim that the specification names may look like a made one."""
    meta = asking("gpu", claims=(("mine", "train-gpu-cxs27"),))

    assert (("mine", "train-gpu-cxs27"),) == named(meta, listed("train-gpu-cxs27"))


def test_the_claim_for_extended_resources_is_found_where_no_status_tells_of_claims() -> None:
    """The scheduler creates it; which container's devices it contains is not stated."""
    pod = listed("train-extended-resources-8xt66")
    silent = with_claim_names(asking(devices=True, has_no_claim_status=True), pod)
    told = with_claim_names(asking(devices=True), pod)

    assert silent is not None
    assert "train-extended-resources-8xt66" == silent.extended_claim
    assert told == asking(devices=True)


def test_told_names_are_taken_where_the_rule_cannot_tell() -> None:
    """And what is told of one claim leaves the rule one less to choose from."""
    pod = listed("train-gpu-cxs27", "train-gpu-cxs28", "shared")
    meta = asking("gpu", "late", claims=(("mine", "shared"),))
    names = {("ml", "train-gpu-cxs28"): "gpu", ("ml", "shared"): "late", ("other", "train-gpu-cxs27"): "late"}
    told = with_told_names({meta.key: meta}, [pod], names)[meta.key]

    assert ["train-gpu-cxs27", "train-gpu-cxs28"] == [each.name for each in claims_to_name({meta.key: meta}, [pod])]
    assert (("gpu", "train-gpu-cxs28"), ("mine", "shared")) == told.claims
    assert ("late",) == told.unnamed_claims


def test_of_two_claims_that_are_told_by_one_name_neither_is_taken() -> None:
    """One of the files was left behind; a name that the pod does not have is ignored."""
    meta = asking("gpu")
    metas = {meta.key: meta}
    twice = {("ml", "train-gpu-cxs27"): "gpu", ("ml", "train-gpu-cxs28"): "gpu"}

    assert metas is with_told_names(metas, [listed("train-gpu-cxs27", "train-gpu-cxs28")], twice)
    assert metas is with_told_names(metas, [listed("train-gpu-cxs27")], {("ml", "train-gpu-cxs27"): "nic"})
    assert metas is with_told_names(metas, [listed("train-gpu-cxs27", pod="unknown")], twice)


def test_nothing_is_asked_for_pods_whose_claims_are_all_known() -> None:
    """Most nodes have no claim made from a template."""
    meta = asking(claims=(("mine", "shared"),))

    assert () == claims_to_name({meta.key: meta}, [listed("shared")])


def test_without_metadata_there_is_nothing_to_name() -> None:
    """And where nothing is unnamed, nothing changes."""
    meta = asking()

    assert with_claim_names(None, listed("train-gpu-cxs27")) is None
    assert with_claim_names(meta, listed("train-gpu-cxs27")) is meta
