"""A small stand-in for the whole system: state in memory behind the calls of the seeding, on a real port."""

import asyncio
import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from embedded.demo.people import ADMIN


@dataclass
class StoredPerson:
    id: str
    email: str
    full_name: str
    role: str = "user"


@dataclass
class StoredAlbum:
    id: str
    title: str
    owner: str
    is_public: bool
    song_ids: list[str] = field(default_factory=list)
    collaborators: set[str] = field(default_factory=set)
    links: int = 0


@dataclass
class StoredSong:
    id: str
    title: str
    owner: str
    genre: str
    album_id: str | None
    is_public: bool
    audio_bytes: int
    is_visible: bool = True


class RefusedError(Exception):
    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code = status, code


class SmallSystem:
    """Owners of things, and the first of each interaction, are e-mail addresses. Tests look at and set it.

    `busy_responses` is how many uploads still get 503 with Retry-After; `late_songs` appear as soon as
    their owner's songs have been looked at once; every call takes `delay_seconds` longer.
    `shown_progress` is what the web player was told, None at the end.
    """

    def __init__(self, admin_email: str = ADMIN.email) -> None:
        self.url = ""
        self.people: dict[str, StoredPerson] = {}
        self.albums: dict[str, StoredAlbum] = {}
        self.songs: dict[str, StoredSong] = {}
        self.interactions: list[tuple[str, str, str]] = []
        self.likes: set[tuple[str, str]] = set()
        self.busy_responses = 0
        self.refuse_title: str | None = None
        self.late_songs: list[StoredSong] = []
        self.delay_seconds = 0.0
        self.most_calls_at_once = 0
        self.sign_ins = 0
        self.shown_progress: list[tuple[int, int] | None] = []
        self._calls = 0
        self._admin_email = admin_email
        self._numbers = itertools.count(1)
        self._app = Starlette(
            routes=[
                Route("/sign-in", self._sign_in, methods=["POST"]),
                Route("/demo-progress", self._show_progress, methods=["PUT"]),
                Route("/demo-progress", self._end_progress, methods=["DELETE"]),
                Route("/api/auth/register", self._register, methods=["POST"]),
                Route("/api/admin/users/{id}/role", self._set_role, methods=["PATCH"]),
                Route("/api/albums/user/my-albums", self._my_albums),
                Route("/api/albums", self._create_album, methods=["POST"]),
                Route("/api/albums/{id}/songs", self._add_to_album, methods=["POST"]),
                Route("/api/albums/{id}/share", self._share, methods=["POST"]),
                Route("/api/albums/{id}/collaborators/{user}", self._add_collaborator, methods=["PUT"]),
                Route("/api/songs/artist/my-songs", self._my_songs),
                Route("/api/songs", self._upload_song, methods=["POST"]),
                Route("/api/songs/{id}", self._delete_song, methods=["DELETE"]),
                Route("/api/admin/songs/{id}/visible", self._set_visible, methods=["PATCH"]),
                Route("/api/songs/{id}/track/{kind}", self._track, methods=["POST"]),
                Route("/api/songs/{id}/like", self._like, methods=["PUT"]),
            ],
            exception_handlers={RefusedError: self._refused},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._calls += 1
        self.most_calls_at_once = max(self.most_calls_at_once, self._calls)
        try:
            await asyncio.sleep(self.delay_seconds)
            await self._app(scope, receive, send)
        finally:
            self._calls -= 1

    def new_id(self) -> str:
        return f"{next(self._numbers):024x}"

    def titles_in(self, album_title: str) -> list[str]:
        """The titles of an album's songs, in its order."""
        (album,) = (album for album in self.albums.values() if album.title == album_title)
        return [self.songs[song_id].title for song_id in album.song_ids]

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        body = {"detail": str(error), "code": error.code, "requestId": "request-1"}
        return JSONResponse(body, error.status, media_type="application/problem+json")

    def _caller(self, request: Request, *roles: str) -> StoredPerson:
        person = self.people.get(request.headers["authorization"].removeprefix("Bearer token-of-"))
        if person is None:
            raise RefusedError(404, "user_not_registered", "Nobody registered with this token")
        if roles and person.role not in roles:
            raise RefusedError(403, "forbidden", f"Not for a {person.role}")
        return person

    async def _sign_in(self, request: Request) -> Response:
        self.sign_ins += 1
        email = (await request.json())["email"]
        return JSONResponse({"token": f"token-of-{email}", "clerkId": f"user_{email}", "expiresAt": None})

    async def _show_progress(self, request: Request) -> Response:
        shown = await request.json()
        self.shown_progress.append((shown["done"], shown["total"]))
        return Response(status_code=204)

    async def _end_progress(self, request: Request) -> Response:
        self.shown_progress.append(None)
        return Response(status_code=204)

    async def _register(self, request: Request) -> Response:
        body = await request.json()
        email = request.headers["authorization"].removeprefix("Bearer token-of-")
        if body["clerkId"] != f"user_{email}":
            raise RefusedError(403, "not_your_account", "Not the token's subject")
        is_new = email not in self.people
        if is_new:
            role = "admin" if email == self._admin_email else "user"
            self.people[email] = StoredPerson(self.new_id(), email, body["fullName"], role)
        person = self.people[email]
        return JSONResponse({"_id": person.id, "role": person.role}, 201 if is_new else 200)

    async def _set_role(self, request: Request) -> Response:
        self._caller(request, "admin")
        (person,) = (p for p in self.people.values() if p.id == request.path_params["id"])
        person.role = (await request.json())["role"]
        return JSONResponse({"_id": person.id, "role": person.role})

    async def _my_albums(self, request: Request) -> Response:
        return self._newest_first(self.albums, self._caller(request).email)

    async def _my_songs(self, request: Request) -> Response:
        owner = self._caller(request, "artist").email
        response = self._newest_first(self.songs, owner)
        for song in [song for song in self.late_songs if song.owner == owner]:
            self.late_songs.remove(song)
            self.songs[song.id] = song
        return response

    def _newest_first(self, things: dict[str, Any], owner: str) -> Response:
        own = sorted((t for t in things.values() if t.owner == owner), key=lambda t: t.id, reverse=True)
        return JSONResponse([{"_id": thing.id, "title": thing.title} for thing in own])

    async def _add_to_album(self, request: Request) -> Response:
        caller, album = self._caller(request), self.albums[request.path_params["id"]]
        assert caller.email == album.owner or caller.id in album.collaborators
        song = self.songs[(await request.json())["songId"]]
        if song.id in album.song_ids:
            raise RefusedError(409, "song_in_album", "The song is in this album already")
        album.song_ids.append(song.id)
        return JSONResponse({"_id": album.id, "title": album.title})

    async def _add_collaborator(self, request: Request) -> Response:
        album = self.albums[request.path_params["id"]]
        assert self._caller(request).email == album.owner
        album.collaborators.add(request.path_params["user"])
        return Response(status_code=204)

    async def _share(self, request: Request) -> Response:
        album = self.albums[request.path_params["id"]]
        assert self._caller(request).email == album.owner
        album.links += 1
        return JSONResponse({"token": "t", "path": "/albums/shared/t", "expiresAt": None}, 201)

    async def _create_album(self, request: Request) -> Response:
        owner = self._caller(request)
        async with request.form() as form:
            assert isinstance(form["image"], UploadFile)
            album = StoredAlbum(self.new_id(), str(form["title"]), owner.email, form["isPublic"] == "true")
        self.albums[album.id] = album
        return JSONResponse({"_id": album.id, "title": album.title}, 201)

    async def _upload_song(self, request: Request) -> Response:
        owner = self._caller(request, "artist")
        if self.busy_responses:
            self.busy_responses -= 1
            return JSONResponse({"detail": "Later"}, 503, {"Retry-After": "0"})
        async with request.form() as form:
            song = self._song_from(form, owner)
        if song.title == self.refuse_title:
            raise RefusedError(415, "not_audio", "The file is not audio")
        self.songs[song.id] = song
        if song.album_id is not None:
            self.albums[song.album_id].song_ids.append(song.id)
        return JSONResponse({"_id": song.id, "title": song.title}, 201)

    def _song_from(self, form: Any, owner: StoredPerson) -> StoredSong:
        assert isinstance(form["image"], UploadFile)
        return StoredSong(
            self.new_id(),
            form["title"],
            owner.email,
            form["genre"],
            form.get("albumId"),
            form["isPublic"] == "true",
            form["audio"].size,
        )

    async def _delete_song(self, request: Request) -> Response:
        song = self.songs.pop(request.path_params["id"])
        if song.album_id is not None:
            self.albums[song.album_id].song_ids.remove(song.id)
        return JSONResponse({"message": "Song deleted successfully"})

    async def _set_visible(self, request: Request) -> Response:
        self._caller(request, "admin")
        song = self.songs[request.path_params["id"]]
        song.is_visible = (await request.json())["isVisible"]
        return JSONResponse({"_id": song.id, "title": song.title})

    async def _like(self, request: Request) -> Response:
        self.likes.add((self._caller(request).email, self.songs[request.path_params["id"]].title))
        return Response(status_code=204)

    async def _track(self, request: Request) -> Response:
        listener = self._caller(request)
        song = self.songs.get(request.path_params["id"])
        if song is None or not (song.is_public and song.is_visible):
            raise RefusedError(404, "song_not_found", "Song not found")
        self.interactions.append((listener.email, song.title, request.path_params["kind"]))
        return JSONResponse({"message": "tracked"})


@contextmanager
def running(system: SmallSystem) -> Iterator[SmallSystem]:
    """Serves it on a free port, in `system.url`, until the end of the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        system.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(system, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield system
        finally:
            server.should_exit = True
            thread.join(10)
