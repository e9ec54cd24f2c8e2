"""Frequent routes, called without the general case of FastAPI.

For each request FastAPI tries one route after the other, finds out again how each dependency has to be
called, and enters three exit stacks for dependencies that have to be closed. None of that depends on the
request, and it costs twice what a cached read does otherwise. A `PreparedRoute` finds it out when the app is
built. To FastAPI it is an ordinary route: declared, described and matched in the same order. What is not
prepared takes FastAPI's own way.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, Final, Self, cast

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, StringConvertor
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import tracing

RECENT_QUERIES: Final = 256
LONGEST_RECENT_QUERY: Final = 100
"""Each function remembers its parameters for so many query strings, of at most so many bytes."""

PREPARED_METHODS: Final = ({"GET"}, {"POST"})

Values = dict[str, Any]
Errors = list[Any]

_PREPARED_FIELDS: Final = frozenset(
    {"path_params", "query_params", "header_params", "request_param_name", "dependencies"}
    | {"call", "name", "path", "scope", "use_cache"}
)
"""Of a `Dependant`. One that has a value in any other field is not prepared."""


class _Call:
    """A dependency or a handler, and where its arguments come from."""

    def __init__(self, dependant: Dependant) -> None:
        self.name = dependant.name
        self.call = cast("Callable[..., Awaitable[Any]]", dependant.call)
        self._request_name = dependant.request_param_name
        self._path_fields = dependant.path_params
        self._query_fields = dependant.query_params
        self._header_fields = dependant.header_params
        self._without_query = self._parse(b"")
        self._recent = lru_cache(RECENT_QUERIES)(self._parse)

    @staticmethod
    def can_prepare(dependant: Dependant) -> bool:
        """Whether it takes nothing but the request and parameters of its path, its query and its headers."""
        given = {name for name in dependant.__slots__ if getattr(dependant, name)}
        call = dependant.call
        is_asynchronous = iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)
        return is_asynchronous and given <= _PREPARED_FIELDS

    def arguments(self, request: Request, errors: Errors) -> Values:
        """The arguments for this request; adds what is wrong with them to `errors`."""
        values: Values = {}
        if self._path_fields:
            values, wrong = request_params_to_args(self._path_fields, request.path_params)
            errors += wrong
        if self._query_fields:
            parsed, wrong = self._query(request.scope["query_string"])
            values |= parsed
            errors += wrong
        if self._header_fields:
            given, wrong = request_params_to_args(self._header_fields, request.headers)
            values |= given
            errors += wrong
        if self._request_name is not None:
            values[self._request_name] = request
        return values

    def _query(self, text: bytes) -> tuple[Values, Errors]:
        if not text:
            return self._without_query
        return self._recent(text) if len(text) <= LONGEST_RECENT_QUERY else self._parse(text)

    def _parse(self, text: bytes) -> tuple[Values, Errors]:
        return request_params_to_args(self._query_fields, QueryParams(text))


class _Plan:
    """The calls that serve a request: dependencies in their order, then the handler."""

    def __init__(self, dependant: Dependant) -> None:
        self._dependencies = [_Call(each) for each in dependant.dependencies]
        self._handler = _Call(dependant)

    @classmethod
    def of(cls, route: APIRoute) -> Self | None:
        """The plan of this route; None when it has to be left to FastAPI."""
        calls = [route.dependant, *route.dependant.dependencies]
        returned = getattr(route.endpoint, "__annotations__", {}).get("return")
        is_prepared = (
            route.methods in PREPARED_METHODS
            and isinstance(returned, type)
            and issubclass(returned, Response)
            and all(type(each) is StringConvertor for each in route.param_convertors.values())
            and all(_Call.can_prepare(each) for each in calls)
            and not any(each.dependencies for each in route.dependant.dependencies)
            and len({each.call for each in calls}) == len(calls)
        )
        return cls(route.dependant) if is_prepared else None

    async def respond(self, request: Request) -> Response:
        """The response to this request.

        Raises:
            RequestValidationError: its parameters are not valid.
        """
        errors: Errors = []
        values: Values = {}
        for each in self._dependencies:
            before = len(errors)
            arguments = each.arguments(request, errors)
            if len(errors) == before:
                found = await each.call(**arguments)
                if each.name is not None:
                    values[each.name] = found
        values |= self._handler.arguments(request, errors)
        if errors:
            raise RequestValidationError(errors)
        return cast("Response", await self._handler.call(**values))


class PreparedRoute(APIRoute):
    """Prepared if its handler returns a `Response`, and it is a GET, or a POST without a body."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.plan = _Plan.of(self)


class PreparedRouting:
    """Serves requests for prepared routes; all others go to `otherwise`, the router that has the same routes.

    With spans on, everything goes there: FastAPI makes those of routes.
    """

    def __init__(self, routes: Sequence[BaseRoute], otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._routes = {method: _by_length(routes, method) for method in ("GET", "POST")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in self._routes and not tracing.is_enabled():
            path = _path_of(scope)
            for route in self._routes[scope["method"]].get(path.count("/"), ()):
                found = route.path_regex.match(path)
                if found is None:
                    continue
                if not isinstance(route, PreparedRoute) or route.plan is None:
                    break
                scope["route"], scope["path_params"] = route, found.groupdict()
                response = await route.plan.respond(Request(scope, receive))
                await response(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)


def _by_length(routes: Sequence[BaseRoute], method: str) -> Mapping[int, Sequence[Route]]:
    """The routes of this method, by the number of segments of their paths: only these may match a path."""
    found: dict[int, list[Route]] = {}
    for each in routes:
        if not isinstance(each, Route) or any(
            isinstance(convertor, PathConvertor) for convertor in each.param_convertors.values()
        ):
            return {}
        if each.methods is None or method in each.methods:
            found.setdefault(each.path.count("/"), []).append(each)
    return found


def _path_of(scope: Scope) -> str:
    """The path without the prefix that the app is mounted at."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
