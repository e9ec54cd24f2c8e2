"""What `/health/services` reports of services in every condition."""

import asyncio
import json
from typing import Any

import pytest

from api_gateway.health import PROBE_SECONDS
from tests.gateway.gateway import gateway
from tests.gateway.services import Scripted, closed_port, listening, plain
from tests.gateway.wire import Response, read_request, send_request

WELL = {"status": "OK", "service": "song-service", "redis": True, "timestamp": "2025-11-01T00:00:00.000Z"}


def saying(data: object, status: str = "200 OK") -> Scripted:
    """A service whose health is `data`."""
    return Scripted(plain(json.dumps(data).encode(), "Content-Type: application/json", status=status))


def services_of(response: Response) -> dict[str, dict[str, Any]]:
    """What the response says of each service, by name."""
    body = json.loads(response.body)
    assert body["gateway"] == "healthy"
    return {each["name"]: each for each in body["services"]}


async def health_with(song: Scripted) -> tuple[Response, dict[str, Any]]:
    """The response, and what it says of the song service; the others are well."""
    async with (
        listening(saying(WELL).talk) as there,
        listening(song.talk) as song_port,
        gateway(there, song_service_url=f"http://127.0.0.1:{song_port}") as port,
    ):
        response = await send_request(port, "GET", "/health/services")
    return response, services_of(response)["song"]


async def test_gateway_health_has_the_documented_shape() -> None:
    async with gateway(1) as port:
        body = json.loads((await send_request(port, "GET", "/health")).body)
    assert body.keys() == {"status", "service", "timestamp"}
    assert (body["status"], body["service"]) == ("OK", "api-gateway")
    assert body["timestamp"].endswith("Z")


async def test_healthy_services_are_listed_with_their_data() -> None:
    service = saying(WELL)
    async with listening(service.talk) as there, gateway(there) as port:
        response = await send_request(port, "GET", "/health/services", "X-Request-ID: probe-1")
    assert response.status == 200
    assert response.headers.get("cache-control") == "no-store"
    assert json.loads(response.body) == {
        "gateway": "healthy",
        "services": [{"name": name, "status": "healthy", "data": WELL} for name in ("user", "song", "album")],
    }
    assert {received.target for received in service.received} == {"/health"}
    assert {received.headers.get("x-request-id") for received in service.received} == {"probe-1"}


async def test_degraded_service_counts_as_healthy() -> None:
    data = {**WELL, "status": "DEGRADED", "redis": False}
    response, song = await health_with(saying(data))
    assert (response.status, song) == (200, {"name": "song", "status": "healthy", "data": data})


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
    response, song = await health_with(service)
    assert (response.status, song) == (503, {"name": "song", "status": "unhealthy", "error": error})


async def test_unreachable_service_is_unhealthy_without_its_address() -> None:
    away = await closed_port()
    async with (
        listening(saying(WELL).talk) as there,
        gateway(there, album_service_url=f"http://localhost:{away}") as port,
    ):
        response = await send_request(port, "GET", "/health/services")
    services = services_of(response)
    assert response.status == 503
    assert services["album"] == {"name": "album", "status": "unhealthy", "error": "Not reachable"}
    assert services["user"]["status"] == services["song"]["status"] == "healthy"
    assert str(away) not in response.body.decode()


async def test_hanging_services_are_probed_concurrently_with_timeout() -> None:
    requested, waiting_at_once = 0, 0

    async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requested, waiting_at_once
        await read_request(reader, writer)
        requested += 1
        waiting_at_once = max(waiting_at_once, requested)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" if requested == 1 else b"")
        await reader.read(1)
        requested -= 1

    async with listening(hanging) as there, gateway(there) as port:
        services = services_of(await send_request(port, "GET", "/health/services"))
    assert waiting_at_once == 3
    assert PROBE_SECONDS < 2
    assert {each["error"] for each in services.values()} == {"No response in time"}


async def test_concurrent_health_requests_share_one_round_of_probes() -> None:
    probed, may_respond = 0, asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal probed
        await read_request(reader, writer)
        probed += 1
        await may_respond.wait()
        writer.write(plain(json.dumps(WELL).encode(), "Connection: close"))

    async with asyncio.timeout(30), listening(slow) as there, gateway(there) as port:
        requested = [asyncio.create_task(send_request(port, "GET", "/health/services")) for _ in range(20)]
        while probed < 3:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        may_respond.set()
        assert {response.status for response in await asyncio.gather(*requested)} == {200}
        assert probed == 3
        assert (await send_request(port, "GET", "/health/services")).status == 200
    assert probed == 6


async def test_health_check_bypasses_the_breaker() -> None:
    away = await closed_port()
    async with gateway(away, breaker_minimum_calls=2, breaker_reset_timeout_seconds=60) as port:
        for _ in range(3):
            await send_request(port, "GET", "/api/songs")
        async with listening(saying(WELL).talk, away):
            assert (await send_request(port, "GET", "/api/songs")).status == 503
            assert (await send_request(port, "GET", "/health/services")).status == 200


async def test_gateway_is_ready_without_any_service() -> None:
    async with gateway(await closed_port()) as port:
        for path in ("/health", "/livez", "/readyz"):
            assert (await send_request(port, "GET", path)).status == 200
