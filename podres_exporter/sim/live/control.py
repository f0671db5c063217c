"""Control a live node by commands, one per line, as typed or piped into `simulate`."""

import json
from collections.abc import Callable

from podres_exporter.sim.api import PODS, StatusError
from podres_exporter.sim.api.writes.verbs import NAME_RULE, is_name
from podres_exporter.sim.devices import result_text
from podres_exporter.sim.live.node import LiveNode

HELP = """\
pods                              every pod with its phase and what it holds
calls [RESOURCE]                  the last calls of device plugins, each with its answer
given NAMESPACE/POD               what plugins gave its containers: env, mounts, device nodes, CDI names
create MANIFEST                   create a pod; the manifest is JSON on the same line
delete NAMESPACE/POD              delete a pod
finish NAMESPACE/POD              let its containers end by themselves
sick RESOURCE DEVICE              let a device fall sick
well RESOURCE DEVICE              let it recover
stop-plugin RESOURCE              let the simulation's plugin of a resource crash
start-plugin RESOURCE             start it again
restart                           restart the kubelet
hang, resume                      let the kubelet's calls hang, and go on
throttle, unthrottle              let the kubelet reject every call, and stop that
help                              this text"""


class Control:
    """Carries out one line at a time on a node that runs."""

    def __init__(self, node: LiveNode) -> None:
        """Act on *node*."""
        self._node = node
        self._commands: dict[str, tuple[int, Callable[..., str | None]]] = {
            "pods": (0, self._pods),
            "given": (1, lambda key: self._given(*_key(key))),
            "create": (1, self._create),
            "delete": (1, lambda key: self._delete(*_key(key))),
            "finish": (1, lambda key: node.finish(*_key(key))),
            "sick": (2, lambda resource, device: node.set_health(resource, device, healthy=False)),
            "well": (2, lambda resource, device: node.set_health(resource, device, healthy=True)),
            "stop-plugin": (1, node.stop_plugin),
            "start-plugin": (1, node.start_plugin),
            "restart": (0, node.restart_kubelet),
            "hang": (0, node.kubelet.hang),
            "resume": (0, node.kubelet.resume),
            "throttle": (0, lambda: self._throttle(on=True)),
            "unthrottle": (0, lambda: self._throttle(on=False)),
            "help": (0, lambda: HELP),
        }

    def execute(self, line: str) -> str:
        """Return what came of a line, in words; a wrong line changes nothing and says what is wrong with it."""
        word, _, rest = line.strip().partition(" ")
        try:
            return self._run(word, rest) if word else ""
        except StatusError as error:
            return f"refused: {error}"
        except KeyError as error:
            return f"there is no {error}"
        except ValueError as error:
            return f"wrong: {error}"

    def _run(self, word: str, rest: str) -> str:
        """Return what a command says; raises ValueError where it is none, or has not its arguments."""
        if word == "calls":
            return "\n".join(map(str, self._node.devices.calls.recent(rest.strip()))) or "no calls"
        if word not in self._commands:
            raise ValueError(f"unknown command {word!r}; try help")
        count, command = self._commands[word]
        arguments = rest.split(maxsplit=count - 1) if count else rest.split()
        if len(arguments) != count:
            raise ValueError(f"{word} takes {count} arguments, not {len(arguments)}; try help")
        return command(*arguments) or "done"

    def _pods(self) -> str:
        rows = []
        for pod in self._node.store.read(PODS)[0]:
            metadata, status = pod["metadata"], pod["status"]
            held = self._node.pods.held(metadata["uid"])
            devices = [f"{each.resource}={each.device_id}" for container in held for each in container.devices]
            reason = status.get("reason", "")
            rows.append(
                f"{metadata['namespace']}/{metadata['name']} {status['phase']} {reason} {' '.join(devices)}".rstrip()
            )
        return "\n".join(rows) or "no pods"

    def _given(self, namespace: str, name: str) -> str:
        uid = self._node.store.get(PODS, namespace, name)["metadata"]["uid"]
        answers = self._node.pods.allocator.answers()
        rows = [
            f"{container} {resource} {result_text(answer)}"
            for (owner, container, resource), answer in sorted(answers.items())
            if owner == uid
        ]
        return "\n".join(rows) or "nothing"

    def _create(self, manifest: str) -> str:
        try:
            pod = json.loads(manifest)
        except RecursionError as error:
            raise ValueError("the manifest is nested too deeply") from error
        if not isinstance(pod, dict) or not all(isinstance(pod.get(key), dict) for key in ("metadata", "spec")):
            raise ValueError("a pod needs metadata and spec")
        pod["metadata"].setdefault("namespace", "default")
        if not all(isinstance(pod["metadata"].get(key), str) for key in ("namespace", "name")):
            raise ValueError("a pod needs a name, which is a text, as its namespace is")
        for key in ("namespace", "name"):
            if not is_name(pod["metadata"].get(key)):
                raise ValueError(f"{pod['metadata'].get(key)!r} is no {key}: {NAME_RULE}")
        status = self._node.create({**pod, "status": {"phase": "Pending"}})["status"]
        scheduled = [each for each in status.get("conditions") or () if each["type"] == "PodScheduled"]
        why = scheduled[0] if scheduled and "reason" not in status else status
        return " ".join(filter(None, (status["phase"], why.get("reason"), why.get("message"))))

    def _delete(self, namespace: str, name: str) -> None:
        self._node.delete(namespace, name)
        self._node.settle()

    def _throttle(self, *, on: bool) -> None:
        self._node.kubelet.throttled = on


def _key(text: str) -> tuple[str, str]:
    """Return namespace and name."""
    namespace, slash, name = text.partition("/")
    return (namespace, name) if slash else ("default", namespace)
