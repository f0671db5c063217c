"""What users of other programs type, and what to use here instead: by verb, a flag or an argument too many."""

from collections.abc import Mapping

ARGUMENT = ""
"""The key of a hint for an argument that the verb does not take; `{}` stands for it."""

_GPU = dict.fromkeys(("--gpu", "--gpus"), "--device nvidia.com/gpu=N")
_LABELS = dict.fromkeys(("-l", "--selector"), "--pod, or kubectl podres dump -l LABELS")
_FIT = {**_GPU, ARGUMENT: "--cpus, --memory and --device for what a pod would request; explain POD for one that exists"}
_EXPLAIN = {
    "--pod": "the name alone: explain POD",
    ARGUMENT: "-c {} for a container of the pod",
}
_DUMP = {
    **dict.fromkeys(("--gpu", "--gpus"), "--resource nvidia.com/gpu"),
    **dict.fromkeys(("--cpu", "--cpus"), "--resource cpu"),
}
_WHO = {
    "--last": "--since -1h",
    "--from": "--since",
    "--to": "--until",
    "--time": "--at",
    "--url": "--prometheus",
    ARGUMENT: "one DEVICE at a time",
}
_SERVE = {
    "--port": "--web.listen-address=:10190",
    "--listen-address": "--web.listen-address",
    "--socket": "--kubelet.socket",
    "--interval": "--kubelet.poll-interval",
    "--config": "flags, or their PODRES_... variables",
}
_WATCHED = "podres-exporter dump --watch --url, through kubectl port-forward, for one node"

NODE: Mapping[str, Mapping[str, str]] = {
    "dump": {**_DUMP, **_LABELS},
    "explain": {**_EXPLAIN, **dict.fromkeys(("-A", "--all-namespaces"), "NAMESPACE/POD")},
    "fit": _FIT,
    "who": _WHO,
    "serve": _SERVE,
    "check": {ARGUMENT: "--node-name NAME for a node, explain POD for a pod"},
    "metrics": {"--collector": "metrics | grep -A2 'collector NAME'", ARGUMENT: "metrics | grep -A2 {}"},
}
"""Of `podres-exporter`."""
CLUSTER: Mapping[str, Mapping[str, str]] = {
    "dump": {**_DUMP, **dict.fromkeys(("-w", "--watch"), _WATCHED), "--url": "podres-exporter dump --url"},
    "explain": {**_EXPLAIN, "--url": "podres-exporter explain --url"},
    "fit": {**_FIT, "--url": "podres-exporter fit --url"},
    "who": _WHO,
    "check": {"--url": "podres-exporter check --url", ARGUMENT: "explain POD for a pod"},
}
"""Of `kubectl podres`."""
