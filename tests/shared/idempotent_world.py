"""An app whose routes take Idempotency-Key, and callers of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from shared.access.caller import Caller, Identity, InvalidTokenError
from shared.access.delegation import is_delegation
from shared.access.guards import Access, AnyCaller, CurrentSession
from shared.access.permissions import Role
from shared.access.service_tokens import ServiceTokens
from shared.http.forms import open_form
from shared.http.idempotency import IdempotentRoute, only_reads
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.middleware import ServiceMiddleware
from shared.http.problem import add_problem_handlers
from tests.shared.memory_cache import MemoryCache


class Anybody:
    """A `TokenVerifier` and `UserDirectory` of everybody: a token is its owner's Clerk id."""

    async def verify(self, token: str) -> Identity:
        if token == "bad" or is_delegation(token):
            raise InvalidTokenError
        return Identity(token, 2e9)

    async def find(self, identity: Identity, token: str) -> Caller | None:
        return Caller("a" * 24, identity.clerk_id, "A", Role.USER, is_blocked=False, token=token)


class Thing(BaseModel):
    name: str = "a"
    n: int = 0


class World:
    """An app that makes things, and what it made."""

    def __init__(self) -> None:
        self.store = MemoryCache()
        self.keys = IdempotencyKeys(self.store)
        self.made: list[str] = []
        self.failure: BaseException | None = None
        self.entered = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        router = APIRouter(route_class=IdempotentRoute)

        async def make(name: str) -> str:
            self.entered.set()
            await self.may_go_on.wait()
            if self.failure is not None:
                raise self.failure
            self.made.append(name)
            return f"{name} {len(self.made)}"

        @router.post("/things", status_code=201)
        async def make_thing(thing: Thing, _: CurrentSession) -> dict[str, str]:
            return {"made": await make(thing.name)}

        @router.post("/things/{thing_id}/copy")
        async def copy_thing(thing_id: str, _: CurrentSession) -> Response:
            return Response(await make(thing_id), 202, headers={"Location": f"/things/{thing_id}"})

        @router.post("/forms", status_code=201)
        async def make_from_form(request: Request, _: CurrentSession) -> dict[str, str]:
            async with open_form(request, {"image": 1000}) as form:
                return {"made": await make(form.fields["name"] + form.files["image"].read_text())}

        @router.post("/large")
        async def make_large(_: CurrentSession) -> Response:
            return Response((await make("x")) * 2**20)

        @router.post("/batch")
        @only_reads
        async def read(_: AnyCaller) -> str:
            return await make("read")

        @router.post("/own")
        async def own(_: CurrentSession, request: Request, idempotency_key: str = "") -> str:
            return await make("own")

        self.app = FastAPI(routes=router.routes)
        add_problem_handlers(self.app)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        anybody, wrapped = Anybody(), ServiceMiddleware(self.app, "test-service", "/api")
        state = {
            "access": Access(anybody, anybody, ServiceTokens("secret")),
            "idempotency": self.keys,
        }

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await wrapped({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(app=with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield http

    async def post(
        self, path: str = "/things", *, key: str | None = "k", user: str | None = "ada", **options: Any
    ) -> httpx.Response:
        headers = {} if user is None else {"Authorization": f"Bearer {user}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        options["headers"] = {**options.get("headers", {}), **headers}
        async with self.client() as http:
            return await http.post(path, **options)
