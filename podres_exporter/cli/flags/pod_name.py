"""Names of pods on the command line: `NAME`, `NAMESPACE/NAME` and kubectl's `pod/NAME`."""

from dataclasses import dataclass

_KINDS = frozenset({"pod", "pods", "po"})


@dataclass(frozen=True, slots=True)
class PodName:
    """A pod's name, and its namespace where one is written before it."""

    name: str
    namespace: str | None = None

    @property
    def pattern(self) -> str:
        """The pod as `--pod` takes it."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"


def parse_pod_name(text: str) -> PodName:
    """Return the name; `pod/`, `pods/` and `po/` before it are kubectl's way to name the kind."""
    kind, slash, rest = text.partition("/")
    if slash and kind in _KINDS:
        text = rest
    namespace, slash, name = text.rpartition("/")
    return PodName(name, namespace if slash else None)


def explained_pod(text: str, namespace: str | None, faults: list[str]) -> PodName:
    """Return the one pod that POD and -n name; *faults* gets a sentence where they contradict each other."""
    pod = parse_pod_name(text)
    if pod.namespace is not None and namespace not in {None, pod.namespace}:
        faults.append(f"-n: says {namespace!r}, and the pod's name says {pod.namespace!r}")
    stated = namespace if pod.namespace is None else pod.namespace
    if not pod.name or stated == "":
        faults.append("POD: the pod's name is empty; write NAME, or NAMESPACE/NAME")
    return PodName(pod.name, stated)
