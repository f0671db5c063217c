"""Opening the listening sockets."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from podres_exporter.errors import ConfigError
from podres_exporter.listen import ListenAddress
from podres_exporter.web.listeners import bound_address, open_listeners


@pytest.fixture
def taken() -> Iterator[ListenAddress]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield ListenAddress("127.0.0.1", other.getsockname()[1])


def test_an_ephemeral_port_can_be_read_afterwards() -> None:
    """`--web.listen-address=localhost:0` is for callers that print the bound address."""
    (listener,) = open_listeners([ListenAddress("localhost", 0)])
    with listener:
        address = bound_address(listener)

    assert address.host == "127.0.0.1"
    assert address.port > 0


def test_an_address_in_use_is_named_with_its_remedy(taken: ListenAddress) -> None:
    with pytest.raises(ConfigError) as caught:
        open_listeners([taken])

    (problem,) = caught.value.problems
    assert problem.startswith(f"cannot listen on {taken}: the address is in use; stop the other process or choose")
    assert "--web.listen-address" in problem


def test_every_wrong_address_is_named_and_none_stays_open(taken: ListenAddress) -> None:
    """A user mends all faults in one go, and a second start finds the good address free (errors.ConfigError)."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as scout:
        good = bound_address(scout)
    foreign = ListenAddress("192.0.2.1", good.port)
    unknown = ListenAddress("no-such-host.invalid", good.port)

    with pytest.raises(ConfigError) as caught:
        open_listeners([good, taken, foreign, unknown])

    assert [True, True, True] == [
        str(address) in problem
        for address, problem in zip((taken, foreign, unknown), caught.value.problems, strict=True)
    ]
    assert "no such address" in caught.value.problems[1]
    with socket.socket() as again:
        again.bind((good.host, good.port))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_no_host_means_every_interface_in_both_families() -> None:
    """IPv6-only and dual-stack clusters scrape over either."""
    (listener,) = open_listeners([ListenAddress("", 0)])
    with listener:
        address = bound_address(listener)
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, address.port), timeout=60).close()

    assert address.host == ""


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_bound_as_it_is_written() -> None:
    (listener,) = open_listeners([ListenAddress("::1", 0)])
    with listener:
        address = bound_address(listener)

    assert address.url == f"http://[::1]:{address.port}"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_every_interface_does_not_hide_that_the_port_is_taken(family: socket.AddressFamily) -> None:
    """Falling back to IPv4 is for machines without IPv6, not for a port that another process holds."""
    with socket.create_server(("", 0), family=family) as other, pytest.raises(ConfigError, match="in use"):
        open_listeners([ListenAddress("", other.getsockname()[1])])
