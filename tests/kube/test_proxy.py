"""Proxy environment variables: which requests use a proxy."""

import pytest

from podres_exporter.kube.proxy import proxy_for

PROXY = "http://proxy:3128"
API = "https://10.96.0.1:443"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTP_PROXY": PROXY}, None),
        ({"ALL_PROXY": PROXY}, PROXY),
        ({"HTTPS_PROXY": "proxy:3128"}, PROXY),
        ({"HTTPS_PROXY": "", "https_proxy": PROXY}, PROXY),
    ],
)
def test_the_scheme_s_variable_counts_in_either_case(environment: dict[str, str], expected: str | None) -> None:
    assert expected == proxy_for(API, environment)


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", API),
        ("10.96.0.1", API),
        ("10.96.0.0/12,127.0.0.0/8", API),
        (" other , 10.96.0.1:443 ", API),
        ("10.96.0.1:443", "https://10.96.0.1"),
        ("fd00::/8", "https://[fd00::1]:6443"),
        ("[fd00::1]:6443", "https://[fd00::1]:6443"),
        ("example.com", "https://example.com"),
        ("example.com", "https://api.EXAMPLE.com:6443"),
        (".example.com", "https://api.example.com"),
        ("*.example.com", "https://api.example.com"),
        ("example.com:6443", "https://api.example.com:6443"),
        ("Example.com", "https://example.com."),
    ],
)
def test_what_no_proxy_names_is_asked_directly(no_proxy: str, url: str) -> None:
    assert None is proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", API),
        (",,", API),
        ("10.0.0.0/16", API),
        ("10.96.0.1:6443", API),
        ("10.96.0.10", API),
        ("fd00::1", API),
        ("ple.com", "https://example.com"),
        ("example.com:443", "https://example.com:6443"),
        ("10.96.0.0/12", "https://api.example.com"),
    ],
)
def test_what_it_does_not_name_is_not(no_proxy: str, url: str) -> None:
    assert PROXY == proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback_is_never_asked_through_a_proxy(host: str) -> None:
    """As kubectl has it (golang.org/x/net/http/httpproxy)."""
    assert None is proxy_for(f"http://{host}:1", {"HTTP_PROXY": PROXY})
