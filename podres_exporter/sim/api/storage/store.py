"""The objects of the simulated cluster; one resource version counts all changes, as in etcd."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.sim.api.storage import status
from podres_exporter.sim.api.storage.feed import Feed
from podres_exporter.sim.api.storage.history import Event, EventType, History
from podres_exporter.sim.api.storage.objects import Object, ObjectKey, born, key_of, stamped
from podres_exporter.sim.api.storage.resources import NAMESPACES, RESOURCES, Resource

Listener = Callable[[Event], None]


class Store:
    """
    Every object by kind, namespace and name; safe to use from any thread.

    Each change raises the one version counter, is remembered for *history_limit* changes, and reaches every feed and
    listener. Listeners run in the thread that made the change, after it is visible and without the lock: they may use
    the store. Changes that two threads make at once may reach a listener in either order; their versions tell.
    A namespace comes into being with its first object.

    Every method raises StatusError with what the real server would answer.
    """

    def __init__(self, clock: Clock, history_limit: int = 1000) -> None:
        """Begin with the namespace `default` alone."""
        self._clock = clock
        self._objects: dict[Resource, dict[ObjectKey, Object]] = {each: {} for each in RESOURCES}
        self._history = History(history_limit)
        self._feed_limit = history_limit
        self._feeds: set[Feed] = set()
        self._listeners: list[Listener] = []
        self._version = 0
        self._changed = threading.Condition()
        with self._changed:
            self._ensure_namespace("default")

    @property
    def version(self) -> int:
        """The version of the last change, of whatever kind."""
        with self._changed:
            return self._version

    def subscribe(self, listener: Listener) -> None:
        """Call *listener* for every change from now on."""
        with self._changed:
            self._listeners.append(listener)

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return the object; *namespace* is empty for kinds without."""
        with self._changed:
            found = self._objects[resource].get((namespace, name))
        if found is None:
            raise status.not_found(resource, name)
        return found

    def create(self, resource: Resource, item: Object) -> Event:
        """Store a copy of *item* with uid, creation time and version. 409 where the name is taken."""
        with self._changed:
            key = key_of(item)
            if resource.is_namespaced and not key[0]:
                raise status.bad_request("an empty namespace may not be set during creation")
            if key in self._objects[resource]:
                raise status.already_exists(resource, key[1])
            events = self._ensure_namespace(key[0]) if resource.is_namespaced else []
            events.append(self._commit(EventType.ADDED, resource, self._born(resource, item), None))
        self._tell(*events)
        return events[-1]

    def update(self, resource: Resource, item: Object) -> Event | None:
        """
        Replace the object of the same name, which keeps uid and creation time; None where nothing is different.

        404 where there is none; 409 where *item* names a version that is not the current one.
        """
        with self._changed:
            current = self.get(resource, *key_of(item))
            asked = item["metadata"].get("resourceVersion")
            if asked is not None and asked != current["metadata"]["resourceVersion"]:
                raise status.conflict(resource, key_of(item)[1])
            kept = {name: current["metadata"][name] for name in ("uid", "creationTimestamp", "resourceVersion")}
            changed = stamped(resource, item, kept)
            if changed == current:
                return None
            event = self._commit(EventType.MODIFIED, resource, changed, current)
        self._tell(event)
        return event

    def delete(self, resource: Resource, namespace: str, name: str) -> Event:
        """Remove the object at once, whatever its grace period; 404 where there is none."""
        with self._changed:
            current = self.get(resource, namespace, name)
            event = self._commit(EventType.DELETED, resource, stamped(resource, current, {}), current)
        self._tell(event)
        return event

    def read(self, resource: Resource, version: int | None = None) -> tuple[list[Object], int]:
        """
        Return every object of the kind, sorted by namespace and name, and the version that this is the state of.

        That is the current state, or the one at *version*: 410 if it is too old, 504 if it is in the future.
        """
        with self._changed:
            objects: Mapping[ObjectKey, Object] = self._objects[resource]
            if version is not None:
                if version > self._version:
                    raise status.too_large_version(version, self._version)
                if not self._history.has(version):
                    raise status.expired("The resourceVersion for the provided list is too old.")
                objects = self._history.undo(objects, resource, version)
            return [objects[key] for key in sorted(objects)], self._version if version is None else version

    def follow(self, resource: Resource, since: int | None) -> Feed:
        """
        Return the changes after *since*, or the present state and all changes after it where that is None.

        410 where *since* is too old; a *since* from the future is silent until it is the present.
        Source: watchCache.getAllEventsSinceLocked, whose text names the oldest version that would have done.
        """
        with self._changed:
            if since is not None and not self._history.has(since):
                oldest = self._history.compacted_version
                raise status.expired(f"too old resource version: {since} ({oldest})")
            initial = self.read(resource)[0] if since is None else []
            backlog = (
                [] if since is None else [each for each in self._history.after(since) if each.resource == resource]
            )
            feed = Feed(
                resource,
                initial,
                backlog,
                changed=self._changed,
                version=lambda: self._version,
                forget=self._forget,
                limit=self._feed_limit,
            )
            self._feeds.add(feed)
            return feed

    def compact(self, version: int | None = None) -> None:
        """Forget the changes up to *version*, all without one: older watches and lists get 410; open ones go on."""
        with self._changed:
            self._history.compact(self._version if version is None else min(version, self._version))

    def _commit(self, kind: EventType, resource: Resource, item: dict[str, Any], previous: Object | None) -> Event:
        """Make the change and tell the feeds; the lock is held."""
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        event = Event(kind, resource, item, previous, self._version)
        if kind is EventType.DELETED:
            del self._objects[resource][event.key]
        else:
            self._objects[resource][event.key] = item
        self._history.append(event)
        for feed in self._feeds:
            if feed.resource == resource:
                feed.put(event)
        self._changed.notify_all()
        return event

    def _ensure_namespace(self, name: str) -> list[Event]:
        """Create the namespace where it does not exist, and return the events of that; the lock is held."""
        if ("", name) in self._objects[NAMESPACES]:
            return []
        labels = {"kubernetes.io/metadata.name": name}
        item = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {"phase": "Active"}}
        return [self._commit(EventType.ADDED, NAMESPACES, self._born(NAMESPACES, item), None)]

    def _born(self, resource: Resource, item: Object) -> dict[str, Any]:
        """Return the copy to store of a new object."""
        return born(resource, item, self._clock.wall_seconds(), self._version)

    def _forget(self, feed: Feed) -> None:
        """Take a feed off the list."""
        with self._changed:
            self._feeds.discard(feed)

    def _tell(self, *events: Event) -> None:
        """Call the listeners, without the lock."""
        with self._changed:
            listeners = tuple(self._listeners)
        for event in events:
            for listener in listeners:
                listener(event)
