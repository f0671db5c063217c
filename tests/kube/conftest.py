"""A simulated API server on loopback, over HTTP and TLS, with the credential files of its clients."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pods_rig import MakeSite, ParkingClock, Site
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
def make_site(clock: ParkingClock, tmp_path: Path, authority: Authority) -> Iterator[MakeSite]:
    """Yield a function that starts a site; with TLS it is as a pod finds it, with a token in a file."""
    with ExitStack() as stack:

        def make(*, tls: bool) -> Site:
            site = Site(clock, tmp_path, authority if tls else None)
            stack.enter_context(site.server)
            return site

        yield make


@pytest.fixture
def secured(make_site: MakeSite) -> Site:
    """Return a site with TLS."""
    return make_site(tls=True)


@pytest.fixture(params=["http", "https"])
def site(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """Return a site without, then with TLS."""
    return make_site(tls=request.param == "https")
