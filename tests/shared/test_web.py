"""The middleware of every service: errors, request ids, metrics."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import StreamingResponse
from starlette.types import Message

from shared import metrics
from shared.http.middleware import ServiceMiddleware
from shared.http.problem import add_problem_handlers
from shared.http.service_app import service_app

SHARED = Path(__file__).parents[2] / "shared"


def app() -> FastAPI:
    made = FastAPI()
    add_problem_handlers(made)

    @made.get("/internal-error")
    async def internal_error() -> None:
        raise RuntimeError("the password is in here")

    @made.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("and then it broke")

        return StreamingResponse(parts())

    @made.get("/fine")
    @made.get("/livez")
    @made.get("/readyz")
    @made.get("/health")
    @made.get("/health/services")
    async def fine() -> dict[str, bool]:
        return {"fine": True}

    return made


def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=ServiceMiddleware(app(), "test-service"))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/things/batch", "POST"), ("/things/1", "GET, DELETE, HEAD"), ("/things/latest", "GET, HEAD")],
)
async def test_allow_names_methods_of_the_requested_resource(path: str, allowed: str) -> None:
    router = APIRouter(prefix="/things")
    for method, template in (
        ("GET", "/latest"),
        ("POST", "/batch"),
        ("GET", "/{thing}"),
        ("DELETE", "/{thing}"),
    ):
        router.add_api_route(template, _nothing, methods=[method])
    made = FastAPI(routes=router.routes)
    add_problem_handlers(made)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=made), base_url="http://test") as http:
        response = await http.put(path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


async def _nothing() -> None:
    """Has nothing to say."""


async def test_internal_error_discloses_nothing() -> None:
    async with client() as http:
        response = await http.get("/internal-error", headers={"X-Request-ID": "mine-1"})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"
    assert response.json()["requestId"] == "mine-1"
    assert "password" not in response.text


async def test_aborted_response_is_not_completed() -> None:
    async with client() as http:
        with pytest.raises(RuntimeError, match="and then it broke"):
            await http.get("/half")


@pytest.mark.parametrize("offered", ["", "with space", "a" * 129, "semi;colon", "new\u00e9"])
async def test_malformed_request_id_is_replaced(offered: str) -> None:
    async with client() as http:
        response = await http.get("/fine", headers={b"X-Request-ID": offered.encode()})
    assert response.headers["x-request-id"] != offered
    assert len(response.headers["x-request-id"]) == 32


async def test_well_formed_request_id_is_returned_once() -> None:
    async with client() as http:
        response = await http.get("/fine", headers={"X-Request-ID": "trace-7.a_b"})
    assert response.headers.get_list("x-request-id") == ["trace-7.a_b"]


def counted(service: str) -> set[str]:
    """The routes that the request metrics of `service` know."""
    return {
        sample.labels["route"]
        for metric in (metrics.REQUESTS, metrics.LATENCY)
        for family in metric.collect()
        for sample in family.samples
        if sample.labels["service"] == service
    }


async def test_metrics_do_not_count_probes() -> None:
    transport = httpx.ASGITransport(app=ServiceMiddleware(app(), "probed-service"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for path in ("/livez", "/readyz", "/health", "/health/services", "/fine"):
            assert (await http.get(path)).status_code == 200
            await http.head(path)
    assert counted("probed-service") == {"/fine"}


def test_metrics_include_services_without_requests() -> None:
    ServiceMiddleware(app(), "idle-service")
    assert metrics.REGISTRY.get_sample_value("http_requests_in_flight", {"service": "idle-service"}) == 0


async def test_send_is_wrapped_once() -> None:
    """Each wrapper costs every message of every response."""
    wrappers: set[str] = set()

    async def send(_: Message) -> None:
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if SHARED in Path(frame.f_code.co_filename).parents and "message" in frame.f_locals:
                wrappers.add(frame.f_code.co_qualname)

    scope = {"type": "http", "method": "GET", "path": "/livez", "headers": [], "query_string": b""}
    await service_app("any-service", unopened, lambda _: unopened())(scope, no_body, send)
    assert wrappers == {"_Response.send"}


def unopened() -> Any:
    raise AssertionError("nothing is opened for this request")


async def no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
