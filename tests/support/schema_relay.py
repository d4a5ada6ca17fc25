"""
Passes the calls of Terraform on to a provider, and shortens its schema (see `small_schema`).

    python tests/support/schema_relay.py SOCKET_OF_THE_PROVIDER

It prints its own socket, and serves until it is ended.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import grpc
from small_schema import named_types, shortened

#: Call -> fields of its answer that map a type to its schema: resources, data sources, ephemeral
#: resources, lists and actions.
_MAPS = {
    "/tfplugin5.Provider/GetSchema": {2, 3, 8, 9, 11},
    "/tfplugin5.Provider/GetResourceIdentitySchemas": {1},
}
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_THREADS = 100  # more than Terraform makes calls at once


class Relay(grpc.GenericRpcHandler):
    """
    Passes each call on.

    Args:
        provider: The channel to the provider.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._short = cache(self._shortened)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call; Terraform does without the output and the broker of a plugin."""
        method = handler_call_details.method
        if method.startswith("/plugin."):
            return None
        call = self._provider.unary_unary(method)

        def passed_on(request: bytes, context: Any) -> bytes:
            try:
                return self._short(method) if method in _MAPS else call(request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise

        return grpc.unary_unary_rpc_method_handler(passed_on)

    def _shortened(self, method: str) -> bytes:
        """The answer with a schema, which does not depend on the request."""
        return shortened(self._provider.unary_unary(method)(b""), _MAPS[method], named_types())


def main() -> None:
    """Serve until the process is ended."""
    provider = sys.argv[1]
    socket = f"{provider}-relay"
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=_OPTIONS)
    channel = grpc.insecure_channel(f"unix:{provider}", options=_OPTIONS)
    server.add_generic_rpc_handlers((Relay(channel),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    sys.stdout.write(f"{socket}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
