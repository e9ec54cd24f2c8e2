"""The principal of a request on a public route."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from shared.access.caller import Caller, Identity, InvalidTokenError, UnverifiedCaller
from shared.access.delegation import Delegation, SessionOrDelegation
from shared.access.guards import Access, AnyCaller, AnyVisitor, CurrentSession
from shared.access.permissions import Permission, Role
from shared.access.service_tokens import ServiceTokens
from shared.errors import UnavailableError
from shared.http.problem import add_problem_handlers

DELEGATION = Delegation("for tests")
DOWN = UnavailableError("The user service is not available now")


class Sessions:
    """A `TokenVerifier` of one token, whose keys may be out of reach."""

    def __init__(self) -> None:
        self.is_down = False

    async def verify(self, token: str) -> Identity:
        if self.is_down:
            raise UnavailableError("Sessions cannot be verified now")
        if token != "good":
            raise InvalidTokenError
        return Identity("user_a", 2e9)


class Users:
    """A `UserDirectory` of one user."""

    def __init__(self) -> None:
        self.is_down = False
        self.is_blocked = False
        self.are_registered = True
        self.lookups = 0

    async def find(self, identity: Identity, token: str) -> Caller | None:
        self.lookups += 1
        if self.is_down:
            raise DOWN
        if not self.are_registered:
            return None
        return Caller("a" * 24, identity.clerk_id, "A", Role.USER, self.is_blocked, token)


class World:
    """A public route that says whom it takes its caller for."""

    def __init__(self) -> None:
        self.sessions, self.users = Sessions(), Users()
        access = Access(
            SessionOrDelegation(self.sessions, DELEGATION), self.users, ServiceTokens("for tests")
        )

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Access]]:
            yield {"access": access}

        self.app = FastAPI(lifespan=lifespan)
        add_problem_handlers(self.app)

        @self.app.get("/")
        async def whom(caller: AnyCaller) -> str:
            if isinstance(caller, UnverifiedCaller):
                return "unknown"
            return "anonymous" if caller is None else caller.clerk_id

        @self.app.get("/public")
        async def public(_: AnyVisitor) -> str:
            return "for everybody"

        @self.app.get("/part")
        async def part(visitor: AnyVisitor) -> str:
            return (await visitor.must(Permission.TRACK_PLAYS)).clerk_id

        @self.app.get("/admin-part")
        async def admin_part(visitor: AnyVisitor) -> str:
            return (await visitor.must(Permission.MANAGE_USERS)).clerk_id

        @self.app.get("/session")
        async def whose(session: CurrentSession) -> str:
            return session.identity.clerk_id

    async def send_request(
        self, token: str | None, *, path: str = "/", header: str = "Bearer {token}"
    ) -> tuple[int, str]:
        headers = {} if token is None else {"Authorization": header.format(token=token)}
        async with self.app.router.lifespan_context(self.app) as state:

            async def with_state(scope: object, receive: object, send: object) -> None:
                assert isinstance(scope, dict)
                await self.app({**scope, "state": dict(state or {})}, receive, send)  # type: ignore[arg-type]

            transport = httpx.ASGITransport(app=with_state)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                response = await http.get(path, headers=headers)
        return response.status_code, response.json() if response.is_success else response.json()["code"]


async def test_caller_is_identified_by_their_token() -> None:
    world = World()
    assert await world.send_request(None) == (200, "anonymous")
    assert await world.send_request("good") == (200, "user_a")
    assert await world.send_request(DELEGATION.token_for("user_b")) == (200, "user_b")
    assert await world.send_request("bad") == (401, "invalid_token")
    world.users.is_blocked = True
    assert await world.send_request("good") == (200, "anonymous")


@pytest.mark.parametrize("what", ["users", "keys"])
async def test_unverified_caller_is_not_anonymous(what: str) -> None:
    world = World()
    world.users.is_down, world.sessions.is_down = what == "users", what == "keys"
    assert await world.send_request("good") == (200, "unknown")
    assert await world.send_request(None) == (200, "anonymous")


async def test_delegated_call_fails_while_users_are_unavailable() -> None:
    world = World()
    world.users.is_down = True
    assert await world.send_request(DELEGATION.token_for("user_b")) == (503, "unavailable")


async def test_visitor_is_looked_up_only_when_needed() -> None:
    world = World()
    for token in (None, "good", DELEGATION.token_for("user_b")):
        assert await world.send_request(token, path="/public") == (200, "for everybody")
    assert world.users.lookups == 0
    assert await world.send_request("bad", path="/public") == (401, "invalid_token")
    world.sessions.is_down = True
    assert await world.send_request("good", path="/public") == (200, "for everybody")


async def test_visitor_needs_a_permission_for_a_part() -> None:
    world = World()
    assert await world.send_request("good", path="/part") == (200, "user_a")
    assert await world.send_request(None, path="/part") == (401, "sign_in_required")
    assert await world.send_request("good", path="/admin-part") == (403, "role_not_allowed")
    world.users.is_blocked = True
    assert await world.send_request("good", path="/part") == (403, "user_blocked")
    world.users.are_registered = False
    assert await world.send_request("good", path="/part") == (403, "user_not_registered")
    world.users.is_down = True
    assert await world.send_request("good", path="/part") == (503, "unavailable")


NO_TOKENS = ("", "Bearer", "Bearer ", "bearer undefined", "Bearer null", "Bearer None", "Bearer  NULL ", " ")


@pytest.mark.parametrize("header", NO_TOKENS)
async def test_header_without_a_token_is_anonymous(header: str) -> None:
    world = World()
    assert await world.send_request("", header=header) == (200, "anonymous")
    assert await world.send_request("", path="/session", header=header) == (401, "sign_in_required")


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "good", "Token good", "Bearer undefined1"])
async def test_header_without_bearer_token_is_refused(header: str) -> None:
    world = World()
    for path in ("/", "/public", "/session"):
        assert await world.send_request("", path=path, header=header) == (401, "invalid_token")
