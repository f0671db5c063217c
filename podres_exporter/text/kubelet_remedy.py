"""What to do when the kubelet does not answer, by what its last call failed with."""

from podres_exporter.errors import Reason

_NOT_PERMITTED = (
    "The exporter may not open the socket: it needs UID 0 and, with SELinux, the type container_device_plugin_t."
)
_CAUSES: tuple[tuple[Reason, str, str], ...] = (
    (
        Reason.UNAVAILABLE,
        "No such file or directory",
        (
            "There is no socket at this path. In a pod, mount the kubelet's directory pod-resources (hostPath, type: "
            "Directory), never the socket itself; a kubelet with another root directory (k0s, MicroK8s) has it "
            "elsewhere: set --kubelet.socket as well. A kubelet that is starting makes it after some seconds."
        ),
    ),
    (
        Reason.UNAVAILABLE,
        "Connection refused",
        (
            "No process listens on the socket: the kubelet has stopped, or the socket itself is mounted instead of its "
            "directory, which a restart of the kubelet leaves behind."
        ),
    ),
    (
        Reason.UNAVAILABLE,
        "Permission denied",
        _NOT_PERMITTED,
    ),
    (
        Reason.UNAVAILABLE,
        "SETTINGS frame as the first frame",
        "What listens on the socket does not speak gRPC, so it is not the kubelet: see --kubelet.socket.",
    ),
    (
        Reason.UNAVAILABLE,
        "timed out before receiving SETTINGS",
        "The socket accepts connections and nothing answers: the kubelet hangs or is stopped; see its log.",
    ),
    (Reason.UNAVAILABLE, "", "Is the kubelet running? Its log says why it does not serve the pod-resources API."),
    (
        Reason.TIMEOUT,
        "",
        (
            "The kubelet accepts the call and does not answer in time: it is overloaded or hangs; see its log, and "
            "--kubelet.timeout."
        ),
    ),
    (
        Reason.DENIED,
        "",
        _NOT_PERMITTED,
    ),
    (
        Reason.UNIMPLEMENTED,
        "",
        (
            "What listens on the socket does not serve the pod-resources API v1, which kubelets have from 1.20 on: see "
            "--kubelet.socket."
        ),
    ),
    (
        Reason.DISABLED,
        "",
        "The kubelet has the call switched off by a feature gate: see its featureGates for KubeletPodResources.",
    ),
    (
        Reason.THROTTLED,
        "",
        (
            "Other clients use up the kubelet's limit of 100 calls a second: find the agents of this node that poll "
            "the pod-resources API."
        ),
    ),
    (Reason.TOO_LARGE, "", "The answer is larger than --kubelet.max-message-size: raise it."),
    (
        Reason.MALFORMED,
        "",
        "The answer cannot be read: podres-exporter dump --record FILE saves it for a bug report.",
    ),
)


def kubelet_remedy(reason: Reason | None, detail: str) -> str:
    """Return what to do, in sentences; empty if the cause is not known. *detail* is what the error says."""
    return next((remedy for cause, words, remedy in _CAUSES if cause is reason and words in detail), "")
