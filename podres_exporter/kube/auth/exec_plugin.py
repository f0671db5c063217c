"""Credential plugins of kubeconfigs (exec): run a program that prints a token or a client certificate."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.credentials import Certificate, Identity, bearer
from podres_exporter.printable import printable

PLUGIN_SECONDS = 30.0
"""Timeout of a plugin. client-go waits forever; a daemon must not."""

INTERACTIVE_SECONDS = 300.0
"""The timeout if a user at a terminal may have to answer."""

EARLY_SECONDS = 10.0
"""A credential is replaced this long before it expires, because requests take time too."""

_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """How to run a plugin; *cluster* is the cluster information passed to it, None if it does not request it."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    api_version: str
    cluster: Mapping[str, Any] | None = None
    install_hint: str = ""
    is_interactive: bool = False


class CredentialPlugin:
    """
    Runs the plugin when there is no credential or it has expired. Not thread-safe, except for `close`.

    Source: client-go's plugin/pkg/client/auth/exec; client.authentication.k8s.io/v1 ExecCredential.
    """

    def __init__(self, spec: PluginSpec, clock: Clock, seconds: float | None = None) -> None:
        """Run nothing yet; *seconds* is the timeout of each run."""
        self._spec, self._clock = spec, clock
        self._seconds = seconds or (INTERACTIVE_SECONDS if spec.is_interactive else PLUGIN_SECONDS)
        self._identity: Identity | None = None
        self._expires_at_seconds: float | None = None
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def identity(self) -> Identity:
        """Return the credential. Raises ConfigError with the plugin's own error output if there is none."""
        expires = self._expires_at_seconds
        is_over = expires is not None and self._clock.wall_seconds() >= expires - EARLY_SECONDS
        if self._identity is None or is_over:
            self._identity = None
            self._identity, self._expires_at_seconds = self._read(self._run())
        return self._identity

    def close(self) -> None:
        """Kill a running plugin; later calls fail."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                _kill(self._process, is_group=not self._spec.is_interactive)

    def _run(self) -> str:
        """Run the plugin and return its output."""
        process = self._start()
        try:
            output, words = process.communicate(timeout=self._seconds)
        except subprocess.TimeoutExpired as error:
            _kill(process, is_group=not self._spec.is_interactive)
            raise self._fault(f"has not ended within {self._seconds:g} s") from error
        except UnicodeDecodeError as error:
            raise self._fault("prints something that is not text") from error
        finally:
            # A child of the plugin may keep the pipes open, so do not wait for them to close.
            with self._lock:
                self._process = None
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        if self._is_closed:
            raise self._fault("was stopped")
        if process.returncode != 0:
            code = process.returncode
            ended = f"ended with code {code}" if code >= 0 else f"was killed by signal {-code}"
            raise self._fault(f"{ended}{_quoted(words)}")
        return output

    def _start(self) -> "subprocess.Popen[str]":
        spec = self._spec
        told: dict[str, Any] = {"interactive": spec.is_interactive}
        if spec.cluster is not None:
            told["cluster"] = spec.cluster
        info = {"apiVersion": spec.api_version, "kind": "ExecCredential", "spec": told}
        with self._lock:
            if self._is_closed:
                raise self._fault("was stopped")
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the user's kubeconfig names it, as for kubectl
                    [spec.command, *spec.arguments],
                    stdin=None if spec.is_interactive else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=None if spec.is_interactive else subprocess.PIPE,
                    env={**spec.environment, "KUBERNETES_EXEC_INFO": json.dumps(info)},
                    encoding="utf-8",
                    # Its own process group, so that it can be killed with its children; an interactive one must stay in
                    # ours.
                    process_group=None if spec.is_interactive else 0,
                )
            except (OSError, ValueError) as error:
                hint = f"; {printable(spec.install_hint.strip())}" if spec.install_hint else ""
                problem = error.strerror if isinstance(error, OSError) else str(error)
                raise self._fault(f"cannot be run: {problem}{hint}") from error
            return self._process

    def _read(self, output: str) -> tuple[Identity, float | None]:
        """Return the credential and its expiry in Unix seconds."""
        try:
            answer = json.loads(output)
            version, status = answer["apiVersion"], answer["status"]
            token, chain, key = (status.get(each) for each in ("token", "clientCertificateData", "clientKeyData"))
            expires = _moment(status.get("expirationTimestamp"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._fault("does not print an ExecCredential") from error  # without the text: it may be a secret
        if version != self._spec.api_version:
            told = f"{printable(str(version))}, and the kubeconfig asks for {printable(self._spec.api_version)}"
            raise self._fault(f"answers in {told}")
        certificate = None
        if isinstance(chain, str) and isinstance(key, str) and chain and key:
            certificate = Certificate(chain.encode(), key.encode())
        if isinstance(token, str) and token:
            return Identity(bearer(token).headers, certificate), expires
        if certificate is None:
            raise self._fault("prints neither a token nor a certificate with its key")
        return Identity((), certificate), expires

    def _fault(self, problem: str) -> ConfigError:
        return ConfigError([f"the credential plugin {printable(self._spec.command)} {problem}"])


def _kill(process: "subprocess.Popen[str]", *, is_group: bool) -> None:
    """Kill the process and its process group, unless it has ended."""
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if is_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _quoted(words: str | None) -> str:
    """Return the end of the plugin's standard error, quoted."""
    said = " ".join((words or "").split())
    return f": {printable(said[-_LONGEST_WORDS:])}" if said else ""


def _moment(text: str | None) -> float | None:
    """Parse an RFC 3339 timestamp to Unix seconds. Raises ValueError or TypeError."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def plugin_spec(
    section: Mapping[str, Any],
    cluster: Mapping[str, Any] | None,
    directory: Path,
    environment: Mapping[str, str],
    *,
    is_terminal: bool,
) -> PluginSpec:
    """
    Return how to run the plugin of a kubeconfig's `exec` section. Raises ConfigError, TypeError or KeyError.

    A command with a slash is relative to the *directory* of the kubeconfig. *is_terminal*: a user can be prompted.
    """
    command, api_version = section.get("command"), section.get("apiVersion")
    if not (isinstance(command, str) and command and isinstance(api_version, str) and api_version):
        raise ConfigError(["its exec section has no command, or no apiVersion"])
    mode = section.get("interactiveMode") or "IfAvailable"
    if mode == "Always" and not is_terminal:
        raise ConfigError(
            [f"the credential plugin {printable(command)} needs a terminal for its prompts, and there is none"]
        )
    added = {str(each["name"]): str(each["value"]) for each in section.get("env") or ()}
    return PluginSpec(
        str(directory / command) if "/" in command else command,
        tuple(str(each) for each in section.get("args") or ()),
        {**environment, **added},
        api_version,
        cluster if section.get("provideClusterInfo") else None,
        str(section.get("installHint") or ""),
        is_interactive=is_terminal and mode != "Never",
    )
