"""A simulated API server on loopback, over HTTP and TLS, with the credential files of its clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pods_rig import ParkingClock, Site
from tls_rig import Authority


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of the machine that runs the tests out of them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def clock() -> ParkingClock:
    return ParkingClock()


@pytest.fixture
def secured(clock: ParkingClock, tmp_path: Path, authority: Authority) -> Iterator[Site]:
    """Yield a site as a pod finds it: TLS, and a token in a file."""
    site = Site(clock, tmp_path, authority)
    with site.server:
        yield site


@pytest.fixture(params=["http", "https"])
def site(request: pytest.FixtureRequest, clock: ParkingClock, tmp_path: Path, authority: Authority) -> Iterator[Site]:
    """Yield a site without, then with TLS."""
    site = Site(clock, tmp_path, authority if request.param == "https" else None)
    with site.server:
        yield site
