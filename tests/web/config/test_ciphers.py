"""OpenSSL knows every cipher suite and curve that is mapped."""

import ssl

import pytest

from podres_exporter.web.config.ciphers import CIPHER_SUITES, CURVES


@pytest.mark.parametrize(("go", "openssl"), CIPHER_SUITES.items())
def test_a_suite_is_the_one_that_go_means(go: str, openssl: str) -> None:
    """OpenSSL describes key exchange, authentication, encryption and MAC in words."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(openssl)
    (found,) = [each for each in context.get_ciphers() if each["name"] == openssl]
    words = str(found["description"])

    assert "Kx=ECDH" in words
    assert f"Au={'ECDSA' if '_ECDSA_' in go else 'RSA'}" in words
    assert ("AES_128" in go) == ("(128)" in words)
    assert ("CHACHA20" in go) == ("CHACHA20" in words)
    assert ("GCM" in go) == ("GCM" in words)
    assert ("CBC" in go) == ("Mac=SHA1" in words)


@pytest.mark.parametrize("openssl", CURVES.values())
def test_a_curve_is_one_that_openssl_has(openssl: str) -> None:
    """set_ecdh_curve raises for others."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(openssl)

    with pytest.raises(ValueError, match="unknown elliptic curve"):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(f"no-{openssl}")
