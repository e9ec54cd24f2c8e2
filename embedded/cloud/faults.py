"""Fault injection: a provider that fails or is slow, always or at a rate.

`PUT /faults/{clerk|cloudinary|recombee}` with `{"status"?, "delaySeconds"?, "rate"?}` arms a fault, `DELETE`
removes it (both 204), `GET /faults` lists what is armed. A fault affects the provider's API only:
`/v1/*` of Clerk (not `/sign-in`, which is no part of Clerk), `/v1_1/*` of Cloudinary (media that were
uploaded are still delivered, as by a CDN), `/{database}/*` of Recombee. Faults are lost at a restart.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

Provider = Literal["clerk", "cloudinary", "recombee"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
MAX_BODY_BYTES = 4096
MAX_DELAY_SECONDS = 300.0


class Fault(BaseModel):
    """`status` alone fails at once, `delay_seconds` alone delays the response; `rate` is the share of calls
    hit.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)

    status: int | None = Field(default=None, ge=400, le=599)
    delay_seconds: float = Field(default=0.0, ge=0, le=MAX_DELAY_SECONDS, allow_inf_nan=False)
    rate: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _must_do_something(self) -> "Fault":
        if self.status is None and self.delay_seconds == 0:
            raise ValueError("a fault needs a status, a delaySeconds above 0, or both")
        return self


@dataclass(frozen=True)
class FaultyApi:
    """Which paths belong to a provider's API, and how that provider words an error of a given status."""

    path_prefix: str
    error: Callable[[int, str], Response]


class Faults:
    """The armed faults, and the routes that change them."""

    def __init__(self) -> None:
        self._armed: dict[Provider, Fault] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/faults", self._list),
            Route("/faults/{provider}", self._arm, methods=["PUT"], max_body_size=MAX_BODY_BYTES),
            Route("/faults/{provider}", self._disarm, methods=["DELETE"]),
        ]

    def hitting(self, provider: Provider) -> Fault | None:
        """The fault for this call, if any: drawn at random for every call."""
        fault = self._armed.get(provider)
        if fault is None or random.random() >= fault.rate:  # noqa: S311 -- chance, not secrecy
            return None
        return fault

    async def _list(self, request: Request) -> Response:
        return JSONResponse({name: fault.model_dump(by_alias=True) for name, fault in self._armed.items()})

    async def _arm(self, request: Request) -> Response:
        provider = _provider(request)
        if provider is None:
            return _unknown_provider()
        try:
            self._armed[provider] = Fault.model_validate_json(await request.body())
        except ValidationError as invalid:
            errors = [
                {"field": ".".join(map(str, error["loc"])) or "body", "message": error["msg"]}
                for error in invalid.errors(include_url=False, include_input=False, include_context=False)
            ]
            detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
            return JSONResponse({"error": detail, "errors": errors}, status_code=422)
        return Response(status_code=204)

    async def _disarm(self, request: Request) -> Response:
        provider = _provider(request)
        if provider is None:
            return _unknown_provider()
        self._armed.pop(provider, None)
        return Response(status_code=204)


class FaultLayer:
    """Middleware that applies armed faults to the calls of their provider."""

    def __init__(self, app: ASGIApp, faults: Faults, apis: dict[Provider, FaultyApi]) -> None:
        self._app = app
        self._faults = faults
        self._apis = apis

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        provider = next((name for name, api in self._apis.items() if path.startswith(api.path_prefix)), None)
        fault = self._faults.hitting(provider) if provider else None
        if provider is None or fault is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(fault.delay_seconds)
        if fault.status is None:
            await self._app(scope, receive, send)
            return
        # A client that is still sending would see a broken connection instead of this response.
        try:
            async for _ in Request(scope, receive).stream():
                pass
        except ClientDisconnect:
            return
        response = self._apis[provider].error(fault.status, "A fault that was asked for at /faults")
        await response(scope, receive, send)


def _provider(request: Request) -> Provider | None:
    name = request.path_params["provider"]
    return next((provider for provider in PROVIDERS if provider == name), None)


def _unknown_provider() -> Response:
    return JSONResponse({"error": f"The providers are {', '.join(PROVIDERS)}"}, status_code=404)
