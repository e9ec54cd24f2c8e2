"""Seeding, against a small system on a real port."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.demo.content import DEMO, DemoContent
from embedded.demo.progress import SeedSummary, Step
from embedded.demo.public_api import open_public_api
from embedded.demo.seed import SeedError, seed
from embedded.demo.songs import JUNIPER, KETTLE
from tests.demo.shared_studio import SharedStudio
from tests.demo.small_system import SmallSystem, StoredSong, running

pytestmark = pytest.mark.slow

TITLES = ("Copper Creek", "Letters Home", "Untitled for Now", "Two Sugars", "Outtake with Laughter")
PLAYED = ("Copper Creek", "Letters Home", "Two Sugars")

SMALL = DemoContent(
    admin=DEMO.admin,
    artists=tuple(artist for artist in DEMO.artists if artist.email in (JUNIPER, KETTLE)),
    listeners=tuple(
        replace(listener, history=tuple(listen for listen in listener.history if listen.song in PLAYED))
        for listener in DEMO.listeners[5:8]
    ),
    albums=DEMO.albums[3:6],
    songs=tuple(
        replace(song, score=replace(song.score, seconds=5)) for song in DEMO.songs if song.title in TITLES
    ),
)


FirstRun = tuple[SmallSystem, SeedSummary, list[Step]]


@pytest.fixture(scope="module")
def studio() -> Iterator[SharedStudio]:
    shared = SharedStudio()
    yield shared
    asyncio.run(shared.end())


async def put_in(
    system: SmallSystem, studio: SharedStudio, played: frozenset[str] = frozenset()
) -> tuple[SeedSummary, list[Step]]:
    steps: list[Step] = []
    summary = await seed(
        system.url, system.url, steps.append, content=SMALL, histories=played, open_studio=lambda: studio
    )
    return summary, steps


def titles(system: SmallSystem) -> Counter[str]:
    return Counter(song.title for song in system.songs.values())


@pytest.fixture(scope="module")
def first_run(studio: SharedStudio) -> Iterator[FirstRun]:
    """A system into which `SMALL` was put once, for tests that only look."""
    with running(SmallSystem()) as system:
        yield (system, *asyncio.run(put_in(system, studio)))


def test_first_run_creates_everything(first_run: FirstRun) -> None:
    system, summary, _ = first_run
    assert {person.email: person.role for person in system.people.values()} == {
        DEMO.admin.email: "admin",
        **{artist.email: "artist" for artist in SMALL.artists},
        **{listener.email: "user" for listener in SMALL.listeners},
    }
    assert titles(system) == Counter(TITLES)
    assert {album.title: album.is_public for album in system.albums.values()} == {
        "Letters from the Orchard": True,
        "Kitchen Demos": False,
        "Rain on Alder Street": True,
    }
    assert system.titles_in("Kitchen Demos") == ["Untitled for Now"]
    assert {song.title for song in system.songs.values() if not song.is_public} == {"Untitled for Now"}
    assert {song.title for song in system.songs.values() if not song.is_visible} == {"Outtake with Laughter"}
    assert all(song.audio_bytes > 50_000 for song in system.songs.values())
    assert (summary.accounts, summary.albums, summary.songs) == (6, 3, 5)
    assert summary.song_ids == {song.title: song.id for song in system.songs.values()}
    assert summary.album_ids == {album.title: album.id for album in system.albums.values()}


def test_listeners_play_before_they_complete_or_skip(first_run: FirstRun) -> None:
    system, summary, _ = first_run
    expected = [
        (listener.email, listen.song, kind)
        for listener in SMALL.listeners
        for listen in listener.history
        for kind in dict.fromkeys(("play", listen.outcome))
    ]
    assert sorted(system.interactions) == sorted(expected)
    assert summary.interactions == len(expected)
    assert system.likes == {(email, title) for email, title, kind in expected if kind == "complete"}
    for listener in SMALL.listeners:
        own = [interaction for interaction in system.interactions if interaction[0] == listener.email]
        assert own == [interaction for interaction in expected if interaction[0] == listener.email]


def test_album_holds_its_songs_in_order(first_run: FirstRun) -> None:
    system, _, _ = first_run
    assert system.titles_in("Letters from the Orchard") == ["Copper Creek", "Letters Home"]


def test_player_is_told_the_progress_until_its_end(first_run: FirstRun) -> None:
    system, _, steps = first_run
    *reports, end = system.shown_progress
    assert end is None
    done = [report[0] for report in reports if report is not None]
    assert done[0] == 1
    assert done == sorted(set(done))
    assert {report[1] for report in reports if report is not None} == {steps[-1].total}


async def test_second_run_adds_nothing(system: SmallSystem, studio: SharedStudio) -> None:
    _, first_steps = await put_in(system, studio)
    played = frozenset(step.name for step in first_steps if step.kind == "history")
    before = (dict(system.songs), dict(system.albums), dict(system.people), list(system.interactions))
    summary, steps = await put_in(system, studio, played)
    assert (system.songs, system.albums, system.people, system.interactions) == before
    assert (summary.accounts, summary.albums, summary.songs, summary.interactions) == (0, 0, 0, 0)
    assert all(step.was_there for step in steps)
    assert set(summary.song_ids) == set(TITLES)


def test_progress_counts_every_step_once(first_run: FirstRun) -> None:
    _, _, steps = first_run
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {len(steps)}
    assert Counter(step.kind for step in steps) == {"account": 6, "album": 3, "song": 5, "history": 3}
    assert not any(step.was_there for step in steps)


async def test_partial_run_is_completed(system: SmallSystem, studio: SharedStudio) -> None:
    fewer = replace(SMALL, songs=SMALL.songs[:1], albums=SMALL.albums[:1], listeners=())
    first = await seed(system.url, system.url, lambda step: None, content=fewer, open_studio=lambda: studio)
    summary, steps = await put_in(system, studio)
    assert summary.songs == len(TITLES) - 1
    assert titles(system) == Counter(TITLES)
    assert summary.song_ids["Copper Creek"] == first.song_ids["Copper Creek"]
    assert [step.name for step in steps if step.kind == "song" and step.was_there] == ["Copper Creek"]


async def test_pending_upload_of_earlier_run_is_not_duplicated(
    system: SmallSystem, studio: SharedStudio
) -> None:
    earlier = StoredSong(system.new_id(), "Two Sugars", KETTLE, "Jazz", None, is_public=True, audio_bytes=1)
    by_hand = StoredSong(system.new_id(), "My Own", KETTLE, "Jazz", None, is_public=True, audio_bytes=1)
    system.late_songs = [earlier, by_hand]
    summary, _ = await put_in(system, studio)
    assert titles(system) == Counter([*TITLES, "My Own"])
    assert summary.song_ids["Two Sugars"] == earlier.id


async def test_at_most_four_calls_run_concurrently(
    system: SmallSystem,
) -> None:
    system.delay_seconds = 0.05
    async with open_public_api(system.url, system.url) as api:
        await asyncio.gather(*(api.sign_in(listener) for listener in DEMO.listeners))
    assert system.most_calls_at_once == 4


async def test_old_token_is_renewed_before_use(system: SmallSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_public_api(system.url, system.url) as api:
        session = api.as_person(DEMO.admin)
        await session.register()
        await session.register()
        assert system.sign_ins == 1
        monkeypatch.setattr("embedded.demo.public_api._TOKEN_SECONDS", 0.0)
        await session.register()
    assert system.sign_ins == 2


async def test_retry_after_is_followed(system: SmallSystem, studio: SharedStudio) -> None:
    system.busy_responses = 3
    await put_in(system, studio)
    assert system.busy_responses == 0
    assert titles(system) == Counter(TITLES)


async def test_permanent_503_fails_the_seeding(system: SmallSystem, studio: SharedStudio) -> None:
    system.busy_responses = 10_000
    with pytest.raises(SeedError, match=r"POST .*/api/songs got status 503: Later"):
        await put_in(system, studio)


async def test_refusal_names_call_status_and_reason(system: SmallSystem, studio: SharedStudio) -> None:
    system.refuse_title = "Letters Home"
    with pytest.raises(SeedError) as failure:
        await put_in(system, studio)
    assert str(failure.value) == (
        f"POST {system.url}/api/songs got status 415: The file is not audio (not_audio, request request-1)"
    )


async def test_missing_admin_role_is_explained(studio: SharedStudio) -> None:
    with running(SmallSystem(admin_email="someone.else@demo.local")) as system:
        with pytest.raises(SeedError, match=r"admin@demo.local has the role user: ADMIN_EMAILS must name"):
            await put_in(system, studio)
        assert not system.albums


async def test_unreachable_system_is_named(studio: SharedStudio) -> None:
    with running(SmallSystem()) as system:
        pass
    with pytest.raises(SeedError, match=rf"POST {system.url}/sign-in got no response: ConnectError"):
        await put_in(system, studio)


async def test_cancelled_seeding_can_be_resumed(system: SmallSystem, studio: SharedStudio) -> None:
    begun = asyncio.Event()

    def watch(step: Step) -> None:
        if step.kind == "song":
            begun.set()

    seeding = asyncio.create_task(
        seed(system.url, system.url, watch, content=SMALL, open_studio=lambda: studio)
    )
    await asyncio.wait_for(begun.wait(), 30)
    seeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await seeding
    assert not system.interactions
    await put_in(system, studio)
    assert titles(system) == Counter(TITLES)


def children_of(process_id: int) -> set[int]:
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=10
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return {child for child, parent in pairs if parent == process_id}


def is_running(process_id: int) -> bool:
    """A process that has ended but that nobody has waited for counts as ended."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False, timeout=10
    )
    return listed.stdout.strip()[:1] not in ("", "Z")


def test_killed_seeding_completes_without_duplicates(system: SmallSystem) -> None:
    command = [sys.executable, "-m", "embedded.demo", "--gateway", system.url, "--cloud", system.url]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) as first:
        deadline = time.monotonic() + 60
        while len(system.songs) < 4 and time.monotonic() < deadline and first.poll() is None:
            time.sleep(0.02)
        workers = children_of(first.pid)
        os.kill(first.pid, signal.SIGKILL)
    assert 4 <= len(system.songs) < len(DEMO.songs)
    assert workers

    second = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 0, second.stderr
    assert second.stderr.startswith("Demo content: ")
    assert second.stderr.count("\n") == 1
    assert titles(system) == Counter(song.title for song in DEMO.songs)
    for album in DEMO.albums:
        assert system.titles_in(album.title) == [s.title for s in DEMO.songs if s.album == album.title]
    for playlist in DEMO.playlists:
        assert system.titles_in(playlist.title) == list(playlist.songs)
    assert len(system.people) == 1 + len(DEMO.artists) + len(DEMO.listeners)
    assert Counter(email for email, _, kind in system.interactions if kind == "play") == {
        listener.email: len(listener.history) for listener in DEMO.listeners
    }
    assert not [worker for worker in workers if is_running(worker)]


def test_failed_seeding_prints_one_line() -> None:
    with running(SmallSystem()) as system:
        pass
    command = [sys.executable, "-m", "embedded.demo", "--gateway", system.url, "--cloud", system.url]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"POST {system.url}/sign-in got no response: ConnectError")
    assert done.stderr.count("\n") == 1
