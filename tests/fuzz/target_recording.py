"""Fuzz target: damaged recordings and snapshot documents for `--from`."""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from captures import CAPTURES
from document_samples import everything
from fuzz import mutators, trees, wirefields
from fuzz.engine import GOOD, Target
from fuzz.outputs import check_everything, check_message

from podres_exporter import document
from podres_exporter.cli.look.file import observe_file
from podres_exporter.cli.look.origin import missing
from podres_exporter.cli.look.record import hidden
from podres_exporter.dra import decode_claim, decode_slices
from podres_exporter.errors import DocumentError, Reason, SnapshotError
from podres_exporter.kube.dra.slices import SliceStore
from podres_exporter.model import Dra, Metadata
from podres_exporter.podmeta import PodDecoder, decode_list, parse_allowlist
from podres_exporter.recording import Call, Pseudonyms, Recording, Refusal
from podres_exporter.recording.file import decode, encode
from podres_exporter.scenario import node_at
from podres_exporter.sim.live.objects import claim_object, slice_object
from podres_exporter.sim.node import builtin_scenario
from podres_exporter.sim.podresources.answers import StateAnswers

_PEAK_MIB = 64 + 48.0
"""The commands ask for 64 MiB at once, the most that a file may have; what a small file leaves is never touched."""
_NAMES = Pseudonyms(b"key")


@contextmanager
def recording(folder: Path) -> Iterator[Target]:
    """Yield the target, which reads a file as the commands do; its seeds are of the demo and of captures."""
    path = folder / "file"

    def check(data: bytes, is_thorough: bool) -> str:
        path.write_bytes(data)
        try:
            observation = observe_file(str(path))
        except SnapshotError as error:
            return check_message(error)
        if is_thorough:
            check_everything(observation.snapshot)
            _check_hiding(data)
        return f"{GOOD}{len(missing(observation))}"

    recordings = list(_seeds())
    yield Target("recording", [*recordings, *_documents(recordings, path)], _mutate, check, peak_mib=_PEAK_MIB)


def _check_hiding(data: bytes) -> None:
    """What can be read can be passed on without its names, and read again."""
    try:
        read = decode(json.loads(data))
    except (ValueError, DocumentError):  # compressed, or of another kind
        return
    decode(json.loads(json.dumps(encode(hidden(read, _NAMES)))))


def _seeds() -> Iterator[bytes]:
    made = [_of_demo(), *(_of_capture(path) for path in sorted(CAPTURES.iterdir()) if (path / "v1-list.bin").exists())]
    refused = Refusal(Reason.DENIED, "no right to list pods")
    made.append(replace(made[0], topology=refused, metadata=None, metadata_refusal=refused, socket_age_seconds=None))
    for one in made:
        text = json.dumps(encode(one)).encode()
        yield text
    yield gzip.compress(text, mtime=0)


def _documents(recordings: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Yield the snapshot documents that `dump --from RECORDING -o json` writes, and one that has every key."""
    snapshots = [everything()]
    for data in recordings:
        path.write_bytes(data)
        snapshots.append(observe_file(str(path)).snapshot)
    for snapshot in snapshots:
        yield json.dumps(document.encode(snapshot, generated_at_seconds=1.7e9, version="1")).encode()


def _of_demo() -> Recording:
    """Return what `dump --record` of the built-in demo would have kept."""
    scenario = builtin_scenario("demo")
    state = node_at(scenario, 25.0)
    answers = StateAnswers(scenario.kubelet, lambda: state, Random(0))  # noqa: S311 - no secret
    calls = {"List": Call(answers.list()), "GetAllocatableResources": Call(answers.allocatable())}
    items = [slice_object(each.name, each.spec, "n") for each in scenario.slices]
    slices = {"metadata": {"resourceVersion": "1"}, "items": items}
    store = SliceStore("n")
    store.replace(decode_slices(json.dumps(slices).encode(), "v1").slices)
    found = (decode_claim(json.dumps(claim_object(claim)).encode()) for claim in scenario.claims)
    dra = Dra(store.pools, {claim.key: claim for claim in found if claim}, is_synced=True, is_up=True)
    return Recording("demo-node", "1", 1.7e9, calls, 20.0, state.topology, dra=dra)


def _of_capture(folder: Path) -> Recording:
    calls = {
        "List": Call((folder / "v1-list.bin").read_bytes()),
        "GetAllocatableResources": Call((folder / "v1-allocatable.bin").read_bytes()),
        "Get": Call((folder / "v1-get-dev.bin").read_bytes()),
    }
    listed = json.loads((folder / "pods.json").read_bytes())
    found = decode_list(json.dumps(listed).encode(), PodDecoder(parse_allowlist("pods=[*]")))
    metas = {each.meta.key: each.meta for each in found.pods}
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=1.7e9)
    return Recording("n1", "1", 1.7e9, calls, 5.0, metadata=metadata)


def _mutate(data: bytes, rng: Random) -> bytes:
    """Return a worse file; now and then only the kubelet's bytes within it are worse."""
    if data[:2] == b"\x1f\x8b":
        return mutators.damaged(data, rng)
    if rng.random() < 0.2:
        try:
            tree = json.loads(data)
            call = rng.choice(tree["kubelet"]["calls"])
            answer = wirefields.mutated(base64.b64decode(call["answer"]), rng)
            call["answer"] = base64.b64encode(answer).decode()
            return json.dumps(tree).encode()[: mutators.LONGEST]
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            pass
    return trees.mutated(data, rng)
