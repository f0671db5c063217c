"""gRPC is imported without OpenSSL, which can be imported later."""

import subprocess
import sys

PROGRAM = """
import sys
%s
from podres_exporter.grpcio import grpc
before = "ssl" in sys.modules
import ssl
context = ssl.create_default_context()
grpc.insecure_channel("unix:/none.sock").close()
print(before, type(context).__name__)
"""


def printed(first: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM % first], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_openssl_is_loaded_when_it_is_needed_and_not_before() -> None:
    assert "False SSLContext" == printed("")


def test_where_openssl_is_loaded_it_stays() -> None:
    assert "True SSLContext" == printed("import ssl")
