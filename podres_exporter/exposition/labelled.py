"""Group pods and containers by what families read of them, each with its common labels already rendered."""

from collections.abc import Iterable

from podres_exporter.exposition.lines import escape, identity, is_plain
from podres_exporter.families.spec import Concern
from podres_exporter.model import ContainerView, PodView

Pods = list[tuple[str, PodView]]
Containers = list[tuple[str, ContainerView]]


class Labelled:
    """
    The pods, and the containers that hold something, by concern, each with its rendered labels.

    *pod_quotes* and *container_quotes* are the numbers of quotes in those labels if nothing is escaped.
    """

    def __init__(self, views: Iterable[PodView], node: str) -> None:
        """Group the pods; *node* is the escaped label `node` with a comma, or empty."""
        self.pod_quotes, self.container_quotes = node.count('"') + 4, node.count('"') + 6
        self.pods: dict[Concern, Pods] = {concern: [] for concern in Concern}
        self.containers: dict[Concern, Containers] = {concern: [] for concern in Concern}
        for view in views:
            pod = f'{node}namespace="{view.pod.namespace}",pod="{view.pod.name}"'
            if not is_plain(pod, self.pod_quotes, 0):
                pod = node + identity(namespace=view.pod.namespace, pod=view.pod.name)
            self._take(pod, view)

    def _take(self, pod: str, view: PodView) -> None:
        """Add one pod."""
        with_cpus, with_memory = self.containers[Concern.CPUS], self.containers[Concern.MEMORY]
        before = len(with_cpus), len(with_memory)
        for each in view.containers:
            if not each.container.holds_nothing:
                self._take_container(pod, each)
        if view.pod.exclusive_cpus or len(with_cpus) > before[0]:
            self.pods[Concern.CPUS].append((pod, view))
        if view.pod.memory or len(with_memory) > before[1]:
            self.pods[Concern.MEMORY].append((pod, view))
        if view.meta is not None:
            self.pods[Concern.METADATA].append((pod, view))
        if view.requests:
            self.pods[Concern.REQUESTS].append((pod, view))

    def _take_container(self, pod: str, view: ContainerView) -> None:
        """Add one container."""
        container, found = view.container, self.containers
        name = container.name if is_plain(container.name, 0, 0) else escape(container.name)
        one = (f'{pod},container="{name}"', view)
        found[Concern.ANYTHING].append(one)
        if container.devices:
            found[Concern.DEVICES].append(one)
        if container.exclusive_cpus:
            found[Concern.CPUS].append(one)
        if container.memory:
            found[Concern.MEMORY].append(one)
        if container.claims:
            found[Concern.CLAIMS].append(one)
        if view.health:
            found[Concern.HEALTH].append(one)
