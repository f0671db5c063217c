"""gRPC services as tables of handlers, with grpc-go's words for what is not in them."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeAlias

import grpc

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the type stubs only


class Services(grpc.GenericRpcHandler):
    """Answers the methods of a table {service: {method: handler}} and refuses every other one as grpc-go does."""

    def __init__(self, handlers: Mapping[str, Mapping[str, Handler]]) -> None:
        """Keep the table."""
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """
        Return the handler of a call.

        Source of the texts: grpc-go server.go, handleStream.
        """
        _, service, method = str(handler_call_details.method).split("/")
        if service not in self._handlers:
            return _refusal(f"unknown service {service}")
        known = self._handlers[service].get(method)
        return known or _refusal(f"unknown method {method} for service {service}")


def _refusal(text: str) -> Handler:
    def refuse(_request: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    return grpc.unary_unary_rpc_method_handler(refuse)
