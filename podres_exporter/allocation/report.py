"""What may be handed out, over a restart of the kubelet: a plugin that is not back yet has not lost its devices."""

from dataclasses import dataclass, replace

from podres_exporter.model import Allocatable


@dataclass(slots=True)
class Report:
    """
    The last answer to GetAllocatableResources, and whether something of an earlier one is *retained* in it.

    After a restart each plugin registers again by itself, so an answer that has nothing of a resource keeps what the
    kubelet said of it before, for the hold-down since the first answer; in the same way the CPUs and each memory type.

    Source: kubelet devicemanager (endpoints are not kept over a restart).
    """

    hold_down: float
    answer: Allocatable | None = None
    is_retained: bool = False
    _before: Allocatable | None = None
    _first_answer_at: float | None = None

    def begin(self) -> None:
        """Take that another kubelet has started."""
        self._before, self._first_answer_at = self.answer, None

    def told(self, answer: Allocatable, now: float) -> None:
        """Take an answer."""
        self._first_answer_at = now if self._first_answer_at is None else self._first_answer_at
        if self._before is not None and now - self._first_answer_at >= self.hold_down:
            self._before = None
        self.answer = answer if self._before is None else _with_missing(answer, self._before)
        self.is_retained = self.answer != answer

    def forget(self) -> None:
        """Take that the kubelet cannot be asked, or was last heard too long ago."""
        self.answer, self.is_retained, self._before = None, False, None


def _with_missing(answer: Allocatable, before: Allocatable) -> Allocatable:
    """Return the answer with what the one before has of resources that it lacks."""
    resources, types = {device.resource for device in answer.devices}, {block.memory_type for block in answer.memory}
    devices = [*answer.devices, *(device for device in before.devices if device.resource not in resources)]
    devices.sort(key=lambda each: (each.resource, each.device_id))
    memory = (*answer.memory, *(block for block in before.memory if block.memory_type not in types))
    return replace(answer, devices=tuple(devices), cpus=answer.cpus or before.cpus, memory=memory)
