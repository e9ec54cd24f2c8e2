"""Adds to OpenAPI the responses that FastAPI cannot read from the signatures.

A route names only what is specific to it: `response_model`, `ETAGGED` or `LISTED`, and `refusals(409)`.
`complete` adds what follows from its path, parameters, body and guards.
"""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.routing import BaseRoute

from shared.access.guards import Guard
from shared.http.idempotency import HEADER, REPLAYED, takes_key
from shared.http.schemas import LEFT_OUT

Responses: TypeAlias = dict[int | str, dict[str, Any]]

GATEWAY_PREFIX = "/api"
_SCHEMA_ADDRESS = "#/components/schemas/{model}"


class FieldProblem(BaseModel):
    """One field of a request that cannot be accepted, and why."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457). Programs compare `code`; `error` repeats `detail`, for people."""

    model_config = ConfigDict(alias_generator=to_camel)

    type: str
    title: str
    status: int
    detail: str
    error: str
    code: str
    request_id: str
    errors: Annotated[list[FieldProblem], LEFT_OUT] = Field(default=[], description="With 422 only")


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _with_headers(headers: dict[str, Any]) -> Responses:
    return {
        200: {"headers": headers},
        304: {"description": "The client's copy is current", "headers": headers},
    }


_ETAG = {"ETag": _header("What `If-None-Match` is compared with")}

ETAGGED = _with_headers(_ETAG)
"""For a GET whose response shared/http/responses.py makes."""

LISTED = _with_headers(
    {
        **_ETAG,
        "Link": _header('`<…>; rel="next"`, when there is more: an absolute path at the gateway'),
        "X-Total-Count": _header("The number of entries, when `total` is true", "integer"),
    }
)
"""For a GET that returns a list with pages."""

SEARCHED = _with_headers(
    {
        **LISTED[200]["headers"],
        "X-Corrected-Query": _header(
            "The corrected query, when nothing matches the one sent; %-encoded UTF-8"
        ),
    }
)
"""For a GET that returns search results."""

_NEXT_ETAG = {"ETag": _header("What `If-None-Match` of a next read, or `If-Match` of a change, may name")}


def with_etag(status: int = 200) -> Responses:
    """For a route's `responses`: a POST, PUT, PATCH or DELETE that returns the `ETag` of its content."""
    return {status: {"headers": _NEXT_ETAG}}


AT_THE_SERVICE: dict[str, Any] = {"servers": [{"url": "/", "description": "The service itself"}]}
"""`openapi_extra` of a call that the gateway does not forward."""

_RETRY_AFTER_IN_USE = _header("Seconds, if a request with the same key is being served", "integer")

_HEADERS_OF_REFUSAL = {
    401: {"WWW-Authenticate": _header("`Bearer`")},
    429: {
        "Retry-After": _header("Seconds", "integer"),
        "RateLimit": _header('`"limit";r=0;t=seconds`: what is left of the quota, and until when'),
        "RateLimit-Policy": _header('`"limit";q=quota;w=seconds`'),
    },
    503: {"Retry-After": _header("Seconds", "integer")},
}


def refusals(*statuses: int) -> Responses:
    """For a route's `responses`: it may return these statuses, as problem documents."""
    return {status: _refusal(status) for status in statuses}


def form_body(model: type[BaseModel], files: Iterable[str]) -> dict[str, Any]:
    """For a route's `openapi_extra`: it takes a multipart form of the fields of `model`, and `files`."""
    described = model.model_json_schema()
    fields = {name: _form_field(schema) for name, schema in described["properties"].items()}
    schema = {
        "type": "object",
        "required": [*described["required"], *files],
        "properties": {**fields, **{name: {"type": "string", "format": "binary"} for name in files}},
    }
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _form_field(schema: dict[str, Any]) -> dict[str, Any]:
    """Every field of a form is text, and absent rather than null."""
    described = {**schema, **next((each for each in schema.get("anyOf", ()) if each["type"] != "null"), {})}
    if described.get("type") == "boolean":
        default = str(described["default"]).lower()
        return {"type": "string", "enum": ["true", "false"], "default": default}
    return {name: value for name, value in described.items() if name not in ("anyOf", "default", "title")}


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": _SCHEMA_ADDRESS.format(model=Problem.__name__)}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _HEADERS_OF_REFUSAL.get(status, {}),
        "content": {"application/problem+json": {"schema": schema}},
    }


def complete(description: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Add servers and error responses to FastAPI's `description` of `routes`.

    An operation id is the name of the route's function, so that generated clients have readable methods.
    """
    description["servers"] = [{"url": GATEWAY_PREFIX, "description": "The gateway, or the service itself"}]
    for route in iter_route_contexts(list(routes)):
        path = description["paths"].get(route.path_format, {})
        for method in route.methods or ():
            if method.lower() in path:
                path[method.lower()]["operationId"] = to_camel(route.name or "")
            if method.lower() in path and "security" in path[method.lower()]:
                _complete_call(path[method.lower()], list(_guards(route.dependant)))
                if takes_key(route.dependant.call):
                    _complete_keyed_call(path[method.lower()])
    schemas = description["components"]["schemas"]
    schema = Problem.model_json_schema(ref_template=_SCHEMA_ADDRESS, mode="serialization")
    schemas.update(schema.pop("$defs"), Problem=schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _complete_call(call: dict[str, Any], guards: Sequence[Guard]) -> None:
    responses = call["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status in _refusals_of(call, guards):
        responses.setdefault(str(status), _refusal(status))
    call["responses"] = dict(sorted(responses.items()))
    if all(guard.allows_anonymous for guard in guards):
        call["security"].append({})


def _complete_keyed_call(call: dict[str, Any]) -> None:
    """Describe a call that accepts an `Idempotency-Key`."""
    call.setdefault("parameters", []).append(
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "Repeated with the same key within 24 hours, a request has one effect and the "
            f"same response, then with `{REPLAYED}: true`. The key of another request is 422.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    )
    responses = call["responses"]
    responses["409"] = {
        **responses.get("409", _refusal(409)),
        "headers": {"Retry-After": _RETRY_AFTER_IN_USE},
    }
    responses.setdefault("422", _refusal(422))
    for status, response in responses.items():
        if status.startswith("2"):
            response["headers"] = {
                **response.get("headers", {}),
                REPLAYED: _header("`true`, if it is repeated"),
            }
    call["responses"] = dict(sorted(responses.items()))


def _refusals_of(call: dict[str, Any], guards: Sequence[Guard]) -> Iterator[int]:
    """The statuses that follow from what a call takes; 429, 502 and 504 are the gateway's."""
    yield from (401, 429, 500, 502, 503, 504)
    if any(guard.forbids for guard in guards):
        yield 403
    places = {parameter["in"] for parameter in call.get("parameters", ())}
    if "path" in places:
        yield 404
    if places & {"query", "header"}:
        yield 422
    if "requestBody" in call:
        yield from (400, 408, 413, 422)
        if "multipart/form-data" in call["requestBody"]["content"]:
            yield 415


def _guards(dependant: Dependant) -> Iterator[Guard]:
    """The guards that a call depends on, directly or not."""
    for each in dependant.dependencies:
        called: object = each.call
        if isinstance(called, Guard):
            yield called
        yield from _guards(each)
