"""A simulated API server on loopback, its store and clock, and a client."""

from collections.abc import Iterator

import pytest
from api_rig import Client
from fake_clock import FakeClock

from podres_exporter.sim.api import ApiServer, Store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(clock)


@pytest.fixture
def server(store: Store, clock: FakeClock) -> Iterator[ApiServer]:
    with ApiServer(store, clock) as server:
        yield server


@pytest.fixture
def client(server: ApiServer) -> Client:
    return Client(server.url)
