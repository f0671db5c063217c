"""The imperative shell: poll loop, event handling, publishing, shutdown."""

from podres_exporter.service.events import Changes, Events
from podres_exporter.service.follower import PollSettings
from podres_exporter.service.loop import PollLoop
from podres_exporter.service.poller import Poller, Sources

__all__ = ["Changes", "Events", "PollLoop", "PollSettings", "Poller", "Sources"]
