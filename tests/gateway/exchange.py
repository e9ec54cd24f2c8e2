"""One request through the gateway to a service that answers as told."""

from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, listening, plain
from tests.gateway.wire import Answer, Heard, ask


async def exchange(
    method: str, target: str, *lines: str, body: bytes = b"", answer: bytes = plain(), **changed: object
) -> tuple[Heard, Answer]:
    """What the service heard, and what the client got."""
    service = Scripted(answer)
    async with listening(service.talk) as there, gateway(there, **changed) as port:
        got = await ask(port, method, target, *lines, body=body)
    return service.last, got
