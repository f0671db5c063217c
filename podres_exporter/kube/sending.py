"""What goes wrong when a request is sent over the `kubernetes` package's ApiClient, in our words, for all who send."""

import contextlib
from collections.abc import Callable, Generator

from urllib3.exceptions import HTTPError

from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.errors import LONGEST_TEXT


def _do_nothing() -> None:
    """Stand in where nothing has to be done."""


@contextlib.contextmanager
def translated(
    verb: str, broken: Callable[[HTTPError], ApiServerError], on_tls_trouble: Callable[[], None] = _do_nothing
) -> Generator[None]:
    """
    Raise ApiServerError for whatever sending a request, or reading its answer, raises in the block.

    *broken* says what an error of urllib3 means; *on_tls_trouble* is called before the error of a handshake is raised.
    """
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - heavy, and imported by now
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415 - heavy, and imported by now

    try:
        yield
    except (ConfigError, ConfigException, OSError) as error:
        raise ApiServerError(verb, Reason.DENIED, f"no credentials: {error}") from error
    except ApiException as error:  # the package makes them of TLS errors, before there is an answer
        on_tls_trouble()
        text = str(error.reason).replace("\n", ": ")
        reason = Reason.DENIED if "CERTIFICATE_VERIFY_FAILED" in text else Reason.UNAVAILABLE
        raise ApiServerError(verb, reason, text[:LONGEST_TEXT]) from error
    except HTTPError as error:
        raise broken(error) from error
    except ValueError:
        # Without its cause: http.client quotes the header that it does not like.
        raise ApiServerError(verb, Reason.DENIED, "the token is no single line of ASCII") from None
