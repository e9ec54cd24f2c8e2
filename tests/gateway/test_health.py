"""What `/health/services` reports of services in every condition."""

import asyncio
import json
from typing import Any

import pytest

from api_gateway.health import PROBE_SECONDS
from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, closed_port, listening, plain
from tests.gateway.wire import Answer, ask, hear

WELL = {"status": "OK", "service": "song-service", "redis": True, "timestamp": "2025-11-01T00:00:00.000Z"}


def saying(data: object, status: str = "200 OK") -> Scripted:
    """A service whose health is `data`."""
    return Scripted(plain(json.dumps(data).encode(), "Content-Type: application/json", status=status))


def services_of(answer: Answer) -> dict[str, dict[str, Any]]:
    """What the answer says of each service, by name."""
    told = json.loads(answer.body)
    assert told["gateway"] == "healthy"
    return {each["name"]: each for each in told["services"]}


async def health_with(song: Scripted) -> tuple[Answer, dict[str, Any]]:
    """The answer, and what it says of the song service; the others are well."""
    async with (
        listening(saying(WELL).talk) as there,
        listening(song.talk) as song_port,
        gateway(there, song_service_url=f"http://127.0.0.1:{song_port}") as port,
    ):
        answer = await ask(port, "GET", "/health/services")
    return answer, services_of(answer)["song"]


async def test_gateway_health_has_the_documented_shape() -> None:
    async with gateway(1) as port:
        told = json.loads((await ask(port, "GET", "/health")).body)
    assert told.keys() == {"status", "service", "timestamp"}
    assert (told["status"], told["service"]) == ("OK", "api-gateway")
    assert told["timestamp"].endswith("Z")


async def test_healthy_services_are_listed_with_their_data() -> None:
    service = saying(WELL)
    async with listening(service.talk) as there, gateway(there) as port:
        answer = await ask(port, "GET", "/health/services", "X-Request-ID: probe-1")
    assert answer.status == 200
    assert answer.headers.get("cache-control") == "no-store"
    assert json.loads(answer.body) == {
        "gateway": "healthy",
        "services": [{"name": name, "status": "healthy", "data": WELL} for name in ("user", "song", "album")],
    }
    assert {heard.target for heard in service.heard} == {"/health"}
    assert {heard.headers.get("x-request-id") for heard in service.heard} == {"probe-1"}


async def test_degraded_service_counts_as_healthy() -> None:
    data = {**WELL, "status": "DEGRADED", "redis": False}
    answer, song = await health_with(saying(data))
    assert (answer.status, song) == (200, {"name": "song", "status": "healthy", "data": data})


@pytest.mark.parametrize(
    ("service", "error"),
    [
        (saying({**WELL, "status": "DOWN"}, "503 Service Unavailable"), "Reports DOWN"),
        (saying({**WELL, "status": "DOWN"}), "Reports DOWN"),
        (saying({}, "503 Service Unavailable"), "Status 503"),
        (saying({"detail": "Not Found"}, "404 Not Found"), "Status 404"),
        (saying(["OK"]), "Invalid response"),
        (saying({"x": "y" * 100_000}), "Invalid response"),
        (Scripted(plain(b"<html>")), "Invalid response"),
        (Scripted(plain(b"\xff\xfe")), "Invalid response"),
        (Scripted(plain(b"", "Location: /elsewhere", status="302 Found")), "Status 302"),
        (Scripted(b"not HTTP\r\n\r\n"), "Invalid response"),
    ],
)
async def test_other_health_responses_are_unhealthy(service: Scripted, error: str) -> None:
    answer, song = await health_with(service)
    assert (answer.status, song) == (503, {"name": "song", "status": "unhealthy", "error": error})


async def test_unreachable_service_is_unhealthy_without_its_address() -> None:
    away = await closed_port()
    async with (
        listening(saying(WELL).talk) as there,
        gateway(there, album_service_url=f"http://localhost:{away}") as port,
    ):
        answer = await ask(port, "GET", "/health/services")
    services = services_of(answer)
    assert answer.status == 503
    assert services["album"] == {"name": "album", "status": "unhealthy", "error": "Not reachable"}
    assert services["user"]["status"] == services["song"]["status"] == "healthy"
    assert str(away) not in answer.body.decode()


async def test_hanging_services_are_probed_concurrently_with_timeout() -> None:
    asked, waiting_at_once = 0, 0

    async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked, waiting_at_once
        await hear(reader, writer)
        asked += 1
        waiting_at_once = max(waiting_at_once, asked)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" if asked == 1 else b"")
        await reader.read(1)
        asked -= 1

    async with listening(hanging) as there, gateway(there) as port:
        services = services_of(await ask(port, "GET", "/health/services"))
    assert waiting_at_once == 3
    assert PROBE_SECONDS < 2
    assert {each["error"] for each in services.values()} == {"No response in time"}


async def test_health_check_bypasses_the_breaker() -> None:
    away = await closed_port()
    async with gateway(away, breaker_minimum_calls=2, breaker_reset_timeout_seconds=60) as port:
        for _ in range(3):
            await ask(port, "GET", "/api/songs")
        async with listening(saying(WELL).talk, away):
            assert (await ask(port, "GET", "/api/songs")).status == 503
            assert (await ask(port, "GET", "/health/services")).status == 200


async def test_gateway_is_ready_without_any_service() -> None:
    async with gateway(await closed_port()) as port:
        for path in ("/health", "/livez", "/readyz"):
            assert (await ask(port, "GET", path)).status == 200
