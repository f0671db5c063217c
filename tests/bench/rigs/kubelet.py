"""
A kubelet with prepared answers in its own process, so that its cost is not counted as the exporter's.

As a script: `kubelet.py FOLDER...` serves `kubelet.sock` in each folder, with the answers in it in turn.
"""

import contextlib
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

from bench.rigs.answers import News, Node, Round
from bench.rigs.children import ended

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.sim.podresources.endpoint import Endpoint
from podres_exporter.sim.sysfs import write_sysfs


class Kubelet:
    """Where the process serves: a socket by how much its answers change, and a /sys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sysfs = folder / "sys"

    def socket(self, news: News) -> Path:
        return self._folder / news.name.lower() / "kubelet.sock"


@contextlib.contextmanager
def running_kubelet(node: Node) -> Iterator[Kubelet]:
    """Yield a kubelet of the node, serving."""
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        kubelet = Kubelet(Path(temporary))
        write_sysfs(kubelet.sysfs, node.topology)
        for news, rounds in node.rounds.items():
            folder = kubelet.socket(news).parent
            folder.mkdir()
            for number, answer in enumerate(rounds):
                (folder / f"{number}.list").write_bytes(answer.listed)
                (folder / f"{number}.allocatable").write_bytes(answer.allocatable)
        folders = [str(kubelet.socket(news).parent) for news in node.rounds]
        command = [sys.executable, __file__, *folders]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with ended(process):
            assert process.stdout is not None
            assert process.stdout.readline() == "serving\n"
            yield kubelet


class _Turns:
    """One socket's answers: the next one to each List, the one that belongs to it to GetAllocatableResources."""

    def __init__(self, folder: Path) -> None:
        names = sorted(folder.glob("*.list"))
        self._rounds = [Round(name.read_bytes(), name.with_suffix(".allocatable").read_bytes()) for name in names]
        self._turns = itertools.cycle(range(len(self._rounds)))
        self._turn = 0

    def answer(self, path: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        if path.endswith("/List"):
            self._turn = next(self._turns)
            return self._rounds[self._turn].listed
        if path.endswith("/GetAllocatableResources"):
            return self._rounds[self._turn].allocatable
        return self._not_found(pb.GetPodResourcesRequest.FromString(request), context)

    def _not_found(self, asked: pb.GetPodResourcesRequest, context: grpc.ServicerContext) -> NoReturn:
        text = f"pod {asked.pod_name} in namespace {asked.pod_namespace} not found"
        context.abort(grpc.StatusCode.UNKNOWN, text)


def serve(folders: list[Path]) -> None:
    """Serve until standard input ends, which it does when the process that started this one ends."""
    endpoints = [Endpoint(folder / "kubelet.sock", _Turns(folder).answer) for folder in folders]
    for endpoint in endpoints:
        endpoint.start()
    print("serving", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve([Path(argument) for argument in sys.argv[1:]])
