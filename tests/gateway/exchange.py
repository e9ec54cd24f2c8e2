"""One request through the gateway to a scripted service."""

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import ReceivedRequest, Response, send_request


async def exchange(
    method: str, target: str, *lines: str, body: bytes = b"", response: bytes = plain(), **changed: object
) -> tuple[ReceivedRequest, Response]:
    """The request at the service, and the response at the client."""
    service = Scripted(response)
    async with listening(service.talk) as there, gateway(there, **changed) as port:
        got = await send_request(port, method, target, *lines, body=body)
    return service.last, got
