"""Every documented call by every kind of caller, for listed, private and hidden content."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.openapi_description import Description
from tests.system.access_table import ALBUM_CALLS, CALLERS, SONG_CALLS, USER_CALLS, Call
from tests.system.media import image, song_form
from tests.system.problems import problem_in
from tests.system.running import People, Person, RunningSystem
from tests.system.stage import STATES, Stage, set_stage

CALLS = (*USER_CALLS, *SONG_CALLS, *ALBUM_CALLS)
CHANGE_BODIES: dict[str, Any] = {
    "/songs/{song_id}": {"mood": "calm"},
    "/albums/{album_id}": {"title": "Named again"},
    "/admin/users/{user_id}/block": {"isBlocked": False},
    "/admin/users/{user_id}/role": {"role": "user"},
}

ROLES = {"user": "user", "artist": "artist", "owner": "artist", "admin": "admin"}


@pytest.fixture(scope="module")
def stage(system: RunningSystem) -> Stage:
    """Made once; what a test removes, it makes for itself."""

    async def make() -> Stage:
        people = People(system)
        try:
            return await set_stage(people)
        finally:
            await people.close()

    return asyncio.run(make())


def _states(call: Call) -> list[str]:
    if call.unlisted is None:
        return ["any"]
    return [*STATES, *(["a user's private", "a user's hidden"] if call.users else [])]


CELLS = [
    pytest.param(call, state, id=f"{call.method} {call.path} {state}")
    for call in CALLS
    for state in _states(call)
]


class _Requests:
    """Makes the requests of one call about things in one state."""

    def __init__(self, call: Call, state: str, stage: Stage, people: People) -> None:
        self._call, self._stage, self._people = call, stage, people
        self._is_users = state.startswith("a user's ")
        self._state = state.removeprefix("a user's ") if state != "any" else "listed"

    def client(self, caller: str) -> httpx.AsyncClient:
        kind = "user owner" if caller == "owner" and self._is_users else caller
        if self._call.path == "/auth/register" and caller == "unregistered":
            kind = "newcomer"
        return self._people.client(self._stage.tokens.get(kind))

    async def send(self, caller: str) -> httpx.Response:
        """Who may remove a thing has one made for it first: the others need it, too."""
        path = self._call.path.format(
            # A blocked user: as a collaborator they may still do nothing.
            user_id=self._stage.blocked_id if "/collaborators/" in self._call.path else self._stage.user_id,
            token="A" * 22,
            song_id=self._stage.songs[self._state]
            if "/albums/" not in self._call.path
            else self._stage.spare_songs[caller == "admin"],
            album_id=(self._stage.users_albums if self._is_users else self._stage.albums).get(self._state),
        )
        if (self._call.method, path) == ("DELETE", "/auth/me") and caller in ROLES:
            return await (await self._disposable(caller)).delete(path)
        if self._call.method == "DELETE" and caller in ("owner", "admin"):
            path = await self._path_to_remove(path, caller)
        if (self._call.method, self._call.path) == ("PUT", "/albums/{album_id}/songs"):
            album = await self.client(caller).get(path.removesuffix("/songs"))
            return await self.client(caller).put(path, json={"songIds": album.json().get("songIds", [])})
        if self._call.path == "/albums/{album_id}/songs":
            await self._admin().delete(f"{path}/{self._stage.spare_songs[caller == 'admin']}")
        return await self.client(caller).request(self._call.method, path, **self._content(caller))

    async def _disposable(self, caller: str) -> Person:
        """Somebody of the caller's role, whose account may go."""
        person = await self._people.user()
        granted = await self._admin().patch(f"/admin/users/{person.id}/role", json={"role": ROLES[caller]})
        assert granted.status_code == 200, granted.text
        return person

    def _admin(self) -> httpx.AsyncClient:
        return self._people.client(self._stage.tokens["admin"])

    async def _path_to_remove(self, path: str, caller: str) -> str:
        admin = self._admin()
        if self._call.path == "/albums/{album_id}/songs/{song_id}":
            album, _, song = path.rpartition("/")
            assert (await admin.post(album, json={"songId": song})).status_code in (200, 409)
            return path
        if self._call.path == "/admin/users/{user_id}":
            return path if caller == "owner" else f"/admin/users/{(await self._people.user()).id}"
        maker = self.client("owner")
        if self._call.path == "/songs/{song_id}":
            made = (await maker.post("/songs", **song_form("To go"))).json()["_id"]
            await admin.patch(f"/admin/songs/{made}/visible", json={"isVisible": self._state != "hidden"})
            return f"/songs/{made}"
        if self._call.path == "/albums/{album_id}":
            form: dict[str, Any] = {
                "data": {"title": "To go"},
                "files": {"image": ("cover.png", image(), "image/png")},
            }
            return f"/albums/{(await maker.post('/albums', **form)).json()['_id']}"
        return path

    def _content(self, caller: str) -> dict[str, Any]:
        path, stage = self._call.path, self._stage
        if path == "/auth/register":
            clerk_id = stage.clerk_ids.get("newcomer" if caller == "unregistered" else caller, "user_x")
            return {"json": {"clerkId": clerk_id, "fullName": "N N", "email": "n@test.local", "imageUrl": ""}}
        if (self._call.method, path) == ("POST", "/songs"):
            return song_form("One more")
        if (self._call.method, path) == ("POST", "/albums"):
            return {"data": {"title": "One more"}, "files": {"image": ("cover.png", image(), "image/png")}}
        if path in ("/songs/batch", "/songs/liked/check"):
            return {"json": {"ids": list(stage.songs.values())}}
        if path == "/albums/{album_id}/songs":
            return {"json": {"songId": stage.spare_songs[caller == "admin"]}}
        if path.endswith("/visibility"):
            return {"json": {"isPublic": self._state != "private"}}
        if path.endswith("/visible"):
            return {"json": {"isVisible": self._state != "hidden"}}
        return {"json": CHANGE_BODIES[path]} if self._call.method == "PATCH" else {}


@pytest.mark.parametrize(("call", "state"), CELLS)
async def test_each_caller_gets_the_status_in_the_table(
    call: Call, state: str, stage: Stage, people: People, described: dict[str, Description]
) -> None:
    """And every response is one that the service's OpenAPI describes."""
    statuses = (
        call.listed if state in ("any", "listed") else call.users if "user's" in state else call.unlisted
    )
    if "hidden" in state and call.hidden is not None:
        statuses = call.hidden
    assert statuses is not None
    requests = _Requests(call, state, stage, people)
    responses = {caller: await requests.send(caller) for caller in CALLERS}

    expected = dict(zip(CALLERS, map(int, statuses.split()), strict=True))
    assert {caller: response.status_code for caller, response in responses.items()} == expected
    for caller, response in responses.items():
        described[call.path].check(call.method, call.path, response)
        if not response.is_success:
            own_reason = {"unregistered": "user_not_registered", "blocked": "user_blocked"}.get(caller)
            problem_in(response, expected[caller], own_reason if response.status_code == 403 else None)


async def test_table_holds_every_call_of_each_service(system: RunningSystem) -> None:
    health = {("GET", path) for path in ("/health", "/livez", "/readyz")}
    async with httpx.AsyncClient(timeout=30) as http:
        for address, calls in (
            (system.users, USER_CALLS),
            (system.songs, SONG_CALLS),
            (system.albums, ALBUM_CALLS),
        ):
            paths = (await http.get(f"{address}/openapi.json")).json()["paths"]
            served = {(method.upper(), path) for path, methods in paths.items() for method in methods}
            assert served == {(call.method, call.path) for call in calls} | health


async def test_gateway_reports_health_of_every_service(system: RunningSystem) -> None:
    async with httpx.AsyncClient(base_url=system.gateway, timeout=30) as http:
        own = (await http.get("/health")).json()
        assert own.pop("timestamp").endswith("Z")
        assert own == {"status": "OK", "service": "api-gateway"}
        services = (await http.get("/health/services")).json()
    assert services["gateway"] == "healthy"
    assert [(each["name"], each["status"]) for each in services["services"]] == [
        ("user", "healthy"),
        ("song", "healthy"),
        ("album", "healthy"),
    ]
    data = {each["name"]: each["data"] for each in services["services"]}
    assert {"status", "service", "redis", "timestamp", "database"} <= set(data["user"])
    assert data["song"]["recombee"] is True
