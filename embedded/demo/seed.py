"""Puts the demo content in through the public API, as any client would.

It can be run again at any time, also after it was killed halfway: what is there already (accounts by e-mail,
albums and songs by the title that their artist gave them) is left as it is, what is missing is added.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from typing import Any

from embedded.demo.content import DEMO, DemoContent
from embedded.demo.people import Listener, Person, Playlist
from embedded.demo.progress import Progress, SeedSummary, Step, StepKind
from embedded.demo.public_api import (
    ACCOUNT,
    LIST_OF_TITLED,
    MESSAGE,
    TITLED,
    Account,
    CallFailedError,
    PublicApi,
    Session,
    Titled,
    open_public_api,
)
from embedded.demo.songs import Album, Song
from embedded.demo.studio import Studio

_RECORDINGS_IN_HAND = 6
"""Songs that are being recorded or uploaded: enough to keep both busy, few enough to stay small in memory."""
_SHOWN_EVERY_SECONDS = 0.5


class SeedError(Exception):
    """The demo content could not be put in; the text says which step failed and why."""


async def seed(
    gateway_url: str,
    cloud_url: str,
    progress: Progress,
    *,
    content: DemoContent = DEMO,
    histories: frozenset[str] = frozenset(),
    open_studio: Callable[[], Studio] = Studio,
) -> SeedSummary:
    """Adds what is missing of `content`, reporting each part to `progress` once it is in place.

    Interactions cannot be read back, so `histories` names the completed histories: it holds the e-mail
    addresses of the "history" steps that an earlier run reported. A history that was cut off is played again
    from its start.

    Raises:
        SeedError: a call failed, or the system does not know the admin as one.
    """
    started_at = time.monotonic()
    try:
        async with open_public_api(gateway_url, cloud_url) as api, open_studio() as studio:
            seeding = _Seeding(api, studio, content, progress)
            await seeding.enrol_artists()
            await _together((seeding.publish(), seeding.enrol_listeners()))
            await seeding.make_playlists()
            await _together((studio.close(), seeding.play_histories(histories)))
            await api.end_progress()
    except CallFailedError as error:
        raise SeedError(str(error)) from error
    except BrokenProcessPool as error:
        raise SeedError(
            "A process that records songs ended unexpectedly (is there enough memory?)"
        ) from error
    return seeding.summary(time.monotonic() - started_at)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Does everything at once. The first failure ends the rest, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


class _Seeding:
    """One run."""

    def __init__(self, api: PublicApi, studio: Studio, content: DemoContent, progress: Progress) -> None:
        self._api = api
        self._studio = studio
        self._content = content
        self._progress = progress
        everyone = (content.admin, *content.artists, *content.listeners)
        self._sessions = {person.email: api.as_person(person) for person in everyone}
        self._admin = self._sessions[content.admin.email]
        self._in_hand = asyncio.Semaphore(_RECORDINGS_IN_HAND)
        parts = (content.albums, content.songs, content.listeners, content.playlists)
        self._total = len(everyone) + sum(map(len, parts))
        self._done = 0
        self._shown_at = -_SHOWN_EVERY_SECONDS
        self._added: defaultdict[str, int] = defaultdict(int)
        self._uploaded_ids: set[str] = set()
        self._album_ids: dict[str, str] = {}
        self._song_ids: dict[str, str] = {}

    def summary(self, seconds: float) -> SeedSummary:
        return SeedSummary(
            accounts=self._added["account"],
            albums=self._added["album"],
            songs=self._added["song"],
            interactions=self._added["interaction"],
            seconds=seconds,
            album_ids=self._album_ids,
            song_ids=self._song_ids,
        )

    async def enrol_artists(self) -> None:
        """Registers the admin, who is one by e-mail address, and those whom the admin makes artists."""
        admin = await self._enrol(self._content.admin)
        if admin.role != "admin":
            raise SeedError(
                f"{self._content.admin.email} has the role {admin.role}: ADMIN_EMAILS must name this address"
            )
        await _together(self._enrol_artist(artist) for artist in self._content.artists)

    async def enrol_listeners(self) -> None:
        await _together(self._enrol_listener(listener) for listener in self._content.listeners)

    async def publish(self) -> None:
        """Albums, then songs, then what only an admin does."""
        await _together(self._create_albums(artist) for artist in self._content.artists)
        await self._upload_songs()
        await _together(self._settle(artist) for artist in self._content.artists)
        for song in self._content.songs:
            if not song.is_visible:
                path = f"/api/admin/songs/{self._song_ids[song.title]}/visible"
                await self._admin.patch(path, {"isVisible": False}, TITLED)

    async def make_playlists(self) -> None:
        """Playlists that friends arrange together; those that are shared have a link."""
        await _together(self._make_playlist(playlist) for playlist in self._content.playlists)

    async def play_histories(self, histories: frozenset[str]) -> None:
        await _together(
            self._play_history(listener, was_there=listener.email in histories)
            for listener in self._content.listeners
        )

    async def _enrol(self, person: Person) -> Account:
        account, is_new = await self._sessions[person.email].register()
        await self._report("account", person.email, was_there=not is_new)
        return account

    async def _enrol_artist(self, artist: Person) -> None:
        account = await self._enrol(artist)
        if account.role == "user":
            await self._admin.patch(f"/api/admin/users/{account.id}/role", {"role": "artist"}, ACCOUNT)

    async def _enrol_listener(self, listener: Listener) -> None:
        await self._enrol(listener)

    async def _create_albums(self, artist: Person) -> None:
        session = self._sessions[artist.email]
        there = _oldest_by_title(await session.get("/api/albums/user/my-albums", LIST_OF_TITLED))
        for album in self._content.albums:
            if album.artist_email != artist.email:
                continue
            was_there = album.title in there
            self._album_ids[album.title] = (
                there[album.title] if was_there else await self._create_album(session, album)
            )
            await self._report("album", album.title, was_there=was_there)

    async def _create_album(self, session: Session, album: Album) -> str:
        cover = await self._studio.draw(album, session.person.full_name)
        fields = {"title": album.title, "isPublic": _flag(album.is_public)}
        files = {"image": (cover.file_name, cover.image, cover.content_type)}
        return (await session.upload("/api/albums", fields, files, TITLED)).id

    async def _upload_songs(self) -> None:
        """Songs of one album one after another, as an album plays them in the order of their arrival."""
        there: set[tuple[str, str]] = set()
        for artist in self._content.artists:
            songs = await self._sessions[artist.email].get("/api/songs/artist/my-songs", LIST_OF_TITLED)
            there.update((artist.email, song.title) for song in songs)
        sequences: defaultdict[str, list[Song]] = defaultdict(list)
        for song in self._content.songs:
            if (song.artist_email, song.title) in there:
                await self._report("song", song.title, was_there=True)
            else:
                sequences[f"album {song.album}" if song.album else f"song {song.title}"].append(song)
        await _together(self._upload_in_order(songs) for songs in sequences.values())

    async def _upload_in_order(self, songs: list[Song]) -> None:
        for song in songs:
            async with self._in_hand:
                await self._upload(song)
            await self._report("song", song.title, was_there=False)

    async def _upload(self, song: Song) -> None:
        session = self._sessions[song.artist_email]
        recording = await self._studio.record(song, session.person.full_name)
        fields = {
            "title": song.title,
            "genre": song.genre,
            "mood": song.mood,
            "isPublic": _flag(song.is_public),
        }
        if song.album is not None:
            fields["albumId"] = self._album_ids[song.album]
        files = {
            "image": (recording.cover.file_name, recording.cover.image, recording.cover.content_type),
            "audio": (recording.audio_file_name, recording.audio, recording.audio_content_type),
        }
        self._uploaded_ids.add((await session.upload("/api/songs", fields, files, TITLED)).id)

    async def _settle(self, artist: Person) -> None:
        """Looks up the songs' ids, and deletes an upload that turns out to have been there before.

        That happens when an earlier run was killed while the server had its upload in hand: the song appeared
        after this run had looked. Only songs that this run uploaded are ever deleted.
        """
        session = self._sessions[artist.email]
        songs = await session.get("/api/songs/artist/my-songs", LIST_OF_TITLED)
        oldest = _oldest_by_title(songs)
        for song in songs:
            if song.id in self._uploaded_ids and song.id != oldest[song.title]:
                await session.delete(f"/api/songs/{song.id}")
        for wanted in self._content.songs:
            if wanted.artist_email == artist.email:
                if wanted.title not in oldest:
                    raise SeedError(f"{wanted.title!r} was uploaded, but {artist.email} does not have it")
                self._song_ids[wanted.title] = oldest[wanted.title]

    async def _play_history(self, listener: Listener, *, was_there: bool) -> None:
        if not was_there:
            session = self._sessions[listener.email]
            for listen in listener.history:
                track = f"/api/songs/{self._song_ids[listen.song]}/track"
                for kind in ("play",) if listen.outcome == "play" else ("play", listen.outcome):
                    await session.post(f"{track}/{kind}", MESSAGE)
                    self._added["interaction"] += 1
                if listen.outcome == "complete":
                    await session.put(f"/api/songs/{self._song_ids[listen.song]}/like")
        await self._report("history", listener.email, was_there=was_there)

    async def _make_playlist(self, playlist: Playlist) -> None:
        session = self._sessions[playlist.creator_email]
        there = _oldest_by_title(await session.get("/api/albums/user/my-albums", LIST_OF_TITLED))
        was_there = playlist.title in there
        album = Album(playlist.title, playlist.creator_email, playlist.genre, is_public=False)
        album_id = there[playlist.title] if was_there else await self._create_album(session, album)
        arranging = [session]
        for email in playlist.friend_emails:
            friend = self._sessions[email]
            account, _ = await friend.register()
            await session.put(f"/api/albums/{album_id}/collaborators/{account.id}")
            arranging.append(friend)
        for number, title in enumerate(playlist.songs):
            added = {"songId": self._song_ids[title]}
            try:
                await arranging[number % len(arranging)].post_json(f"/api/albums/{album_id}/songs", added)
            except CallFailedError as error:
                if error.status != HTTPStatus.CONFLICT:  # an earlier run has added it
                    raise
        if not was_there:
            await session.post_json(f"/api/albums/{album_id}/share", {"days": 365})
        await self._report("playlist", playlist.title, was_there=was_there)

    async def _report(self, kind: StepKind, name: str, *, was_there: bool) -> None:
        self._done += 1
        self._added[kind] += not was_there
        self._progress(Step(kind, name, self._done, self._total, was_there))
        if time.monotonic() - self._shown_at >= _SHOWN_EVERY_SECONDS:
            self._shown_at = time.monotonic()
            await self._api.show_progress(self._done, self._total)


def _oldest_by_title(newest_first: list[Titled]) -> dict[str, str]:
    return {titled.title: titled.id for titled in newest_first}


def _flag(value: bool) -> str:
    return "true" if value else "false"
