"""Calls that hang on request."""

from typing import cast

import grpc

from podres_exporter.sim.podresources.gate import Gate


class EndedCall:
    """What grpc hands to a handler whose client has gone: no callback will ever come."""

    def add_callback(self, _callback: object) -> bool:
        """Refuse, as grpc.RpcContext says for a call that has ended."""
        return False


def test_a_call_that_has_ended_does_not_wait() -> None:
    """grpc.RpcContext.add_callback returns False then; a handler that waited would wait forever."""
    gate = Gate()
    gate.close()

    assert gate.wait(cast("grpc.ServicerContext", EndedCall())) is None  # type: ignore[func-returns-value]
