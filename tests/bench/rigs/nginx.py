"""nginx with the page as a static file, plain and gzipped: the reference for serving bytes."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.rigs.children import ended
from bench.rigs.timing import pause

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
  access_log off;
  sendfile on;
  gzip_static on;
  default_type text/plain;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


def nginx_path() -> str | None:
    """Return the program, None where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def nginx(program: str, page: bytes, compressed: bytes) -> Iterator[int]:
    """Yield the port of a server, one process, that has the page at /metrics."""
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        folder = Path(temporary)
        (folder / "www").mkdir()
        (folder / "www" / "metrics").write_bytes(page)
        (folder / "www" / "metrics.gz").write_bytes(compressed)
        port = free_port()
        (folder / "config").write_text(CONFIG.format(folder=folder, port=port), encoding="utf-8")
        command = [program, "-c", str(folder / "config"), "-e", str(folder / "errors")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        with ended(process):
            while not listens(port):
                assert process.poll() is None, "nginx did not start"
                pause(0.02)
            yield port


def free_port() -> int:
    """Return an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether the port accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
