"""Prepared routes: what they return is what FastAPI returns."""

from enum import StrEnum
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Path, Query
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.errors import NotFoundError, UnauthenticatedError
from shared.http.idempotency import IdempotentRoute
from shared.http.middleware import ServiceMiddleware
from shared.http.pagination import Page, page_of_request
from shared.http.prepared_route import LONGEST_RECENT_QUERY, PreparedRoute, PreparedRouting
from shared.http.problem import add_problem_handlers
from tests.test_architecture import routes_of_apps


class Sort(StrEnum):
    NEWEST = "newest"
    TITLE = "title"


class _NoThingError(NotFoundError):
    def __init__(self) -> None:
        super().__init__("There is no such thing")


class _NoTokenError(UnauthenticatedError):
    def __init__(self) -> None:
        super().__init__("Sign in first")


def _check_id(text: str) -> str:
    if not text.isalnum():
        raise _NoThingError
    return text.lower()


async def _caller(request: Request) -> str:
    token = request.headers.get("authorization", "anybody")
    if token == "wrong":
        raise _NoTokenError
    return token


async def _sorting(
    sort: Annotated[Sort | None, Query()] = None,
    tags: Annotated[list[str] | None, Query()] = None,
    least: Annotated[int, Query(alias="atLeast", ge=0)] = 0,
) -> tuple[object, ...]:
    return (sort, tags, least)


WantedPage = Annotated[Page, Depends(page_of_request)]
Caller = Annotated[str, Depends(_caller)]
Sorting = Annotated[tuple[object, ...], Depends(_sorting)]
ThingId = Annotated[str, Path(), AfterValidator(_check_id)]


async def list_things(page: WantedPage, caller: Caller, sorting: Sorting) -> Response:
    return JSONResponse([page.limit, page.cursor, page.total, caller, sorting])


async def latest() -> Response:
    return JSONResponse("latest")


async def one_thing(request: Request, thing_id: ThingId, caller: Caller) -> Response:
    return JSONResponse([thing_id, caller, request.url.path], headers={"x-method": request.method})


async def parts(
    thing_id: ThingId, count: Annotated[int, Query(le=9)], at: Annotated[int, Path()]
) -> Response:
    return JSONResponse([thing_id, count, at])


async def counted(thing_id: ThingId, caller: Caller, at_least: Annotated[int, Header(ge=1)] = 1) -> Response:
    return JSONResponse([thing_id, caller, at_least])


async def described(thing_id: str) -> dict[str, str]:
    return {"id": thing_id}


def app(route_class: type[APIRoute]) -> ServiceMiddleware:
    router = APIRouter(prefix="/things", route_class=route_class)
    router.get("")(list_things)
    router.get("/latest")(latest)
    router.get("/{thing_id}/description")(described)
    router.get("/{thing_id}/parts/{at}")(parts)
    router.get("/{thing_id}")(one_thing)
    router.get("/never")(latest)
    router.post("/{thing_id}")(one_thing)
    router.post("/{thing_id}/parts")(counted)
    made = FastAPI(routes=router.routes, redirect_slashes=False)
    add_problem_handlers(made)
    if route_class is PreparedRoute:
        made.middleware_stack = ExceptionMiddleware(
            PreparedRouting(made.routes, made.build_middleware_stack()), made.exception_handlers
        )
    return ServiceMiddleware(made, "test-service", "/api")


async def response_of(route_class: type[APIRoute], method: str, path: str, headers: dict[str, str]) -> object:
    transport = httpx.ASGITransport(app=app(route_class))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        response = await http.request(method, path, headers=headers | {"X-Request-ID": "same"})
    return response.status_code, sorted(response.headers.items()), response.content


@pytest.mark.parametrize("at_least", [None, "7", "0", "x"])
async def test_prepared_post_reads_headers_as_fastapi(at_least: str | None) -> None:
    headers = {} if at_least is None else {"At-Least": at_least}
    expected = await response_of(APIRoute, "POST", "/things/abc/parts", headers)
    assert await response_of(PreparedRoute, "POST", "/things/abc/parts", headers) == expected


@pytest.mark.parametrize("token", [None, "right", "wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/things"),
        ("GET", "/things?limit=20&total=true"),
        ("GET", "/things?limit=20&limit=30"),
        ("GET", "/things?limit=0&sort=oldest&atLeast=x"),
        ("GET", "/things?sort=title&tags=a&tags=b&unknown=1"),
        ("GET", "/things?cursor=%C3%A9%00&atLeast=3"),
        ("GET", f"/things?cursor={'c' * LONGEST_RECENT_QUERY}"),
        ("GET", "/things?"),
        ("GET", "/api/things?limit=1"),
        ("GET", "/apiary/things"),
        ("GET", "/things/"),
        ("GET", "/things/latest"),
        ("GET", "/things/never"),
        ("GET", "/things/ABC"),
        ("GET", "/things/a-b"),
        ("GET", "/things/a%2Fb"),
        ("GET", "/things/abc/description"),
        ("GET", "/things/abc/parts/7"),
        ("GET", "/things/abc/parts/7?count=3"),
        ("GET", "/things/abc/parts/x?count=10"),
        ("GET", "/nothing"),
        ("HEAD", "/things/abc"),
        ("POST", "/things/abc"),
        ("POST", "/things/abc/parts"),
        ("POST", "/things/a-b/parts"),
        ("GET", "/things/abc/parts"),
        ("POST", "/things/latest"),
        ("PUT", "/things/abc"),
    ],
)
async def test_prepared_route_responds_as_fastapi(method: str, path: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}
    expected = await response_of(APIRoute, method, path, headers)
    assert await response_of(PreparedRoute, method, path, headers) == expected
    assert await response_of(PreparedRoute, method, path, headers) == expected


async def test_query_is_not_remembered_for_others() -> None:
    made = app(PreparedRoute)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=made), base_url="http://test") as http:
        limits = [(await http.get(f"/things?limit={each}")).json()[0] for each in (3, 4, 3)]
    assert limits == [3, 4, 3]


async def test_prepared_route_passes_the_router() -> None:
    routing = PreparedRouting([PreparedRoute("/latest", latest, methods=["GET"])], Response(status_code=418))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(routing), base_url="http://test") as http:
        assert (await http.get("/latest")).json() == "latest"
        assert (await http.get("/other")).status_code == 418


def _synchronous() -> int:
    return 1


async def with_synchronous(_: Annotated[int, Depends(_synchronous)]) -> Response:
    return JSONResponse(1)


async def with_response(_: Annotated[str, Query()], response: Response) -> Response:
    return response


@pytest.mark.parametrize("handler", [described, with_synchronous, with_response])
def test_route_that_needs_more_is_not_prepared(handler: object) -> None:
    assert callable(handler)
    assert PreparedRoute("/{thing_id}", handler, methods=["GET"]).plan is None


@pytest.mark.parametrize(
    "route",
    [each for each in routes_of_apps() if isinstance(each, PreparedRoute) and each.methods == {"GET"}],
    ids=lambda route: route.path,
)
def test_reads_of_services_are_prepared(route: PreparedRoute) -> None:
    """Unless the handler returns a model, which FastAPI writes."""
    assert (route.plan is not None) is (route.endpoint.__annotations__["return"] is Response)


async def with_body(thing: Annotated[dict[str, str], Body()]) -> Response:
    return JSONResponse(thing)


@pytest.mark.parametrize(
    ("method", "handler", "is_prepared"),
    [
        ("POST", counted, True),
        ("POST", with_body, False),
        ("PUT", counted, False),
        ("DELETE", counted, False),
    ],
)
def test_post_without_body_is_prepared(method: str, handler: object, is_prepared: bool) -> None:
    assert callable(handler)
    assert (PreparedRoute("/{thing_id}", handler, methods=[method]).plan is not None) is is_prepared


def test_post_that_takes_an_idempotency_key_is_not_prepared() -> None:
    assert IdempotentRoute("/{thing_id}", one_thing, methods=["POST"]).plan is None


def test_tracking_is_prepared() -> None:
    routes = [each for each in routes_of_apps() if isinstance(each, PreparedRoute) and "/track/" in each.path]
    assert [each.plan is not None for each in routes] == [True] * 3
