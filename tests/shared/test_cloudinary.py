"""The Cloudinary adapter: every response, error and timeout of the media store."""

import asyncio
import json
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self

import cloudinary.uploader
import pytest
import structlog

import shared.providers.cloudinary
from shared import metrics
from shared.errors import AppError, TooLargeError, UnavailableError, UnsupportedMediaError
from shared.ports import MediaRef
from shared.providers.cloudinary import CHUNK_BYTES, THREADS, CloudinaryMediaStore, open_cloudinary
from shared.settings import MediaSettings
from tests.shared.canned_server import UNUSABLE, canned_server, http_response, timeout_seconds_for

STORED = b'{"version": 1, "format": "png"}'

Call = Callable[[CloudinaryMediaStore, Path], Awaitable[object]]
UPLOADS: dict[str, Call] = {
    "upload_image": lambda store, path: store.upload_image(path, "songs/1/cover"),
    "upload_audio": lambda store, path: store.upload_audio(path, "songs/1/audio"),
}


@asynccontextmanager
async def store_at(url: str, timeout_seconds: float = 30) -> AsyncIterator[CloudinaryMediaStore]:
    settings = MediaSettings(
        cloudinary_cloud_name="test",
        cloudinary_api_key=secrets.token_hex(8),
        cloudinary_api_secret=secrets.token_hex(16),
        cloudinary_api_url=url,
        cloudinary_timeout_seconds=timeout_seconds,
    )
    async with open_cloudinary(settings) as store:
        yield store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"12345")
    return made


@pytest.mark.parametrize("call", UPLOADS)
@pytest.mark.parametrize("odd", UNUSABLE)
async def test_unusable_upload_response_is_unavailable(odd: str, call: str, file: Path) -> None:
    async with (
        asyncio.timeout(30),
        canned_server(UNUSABLE[odd]) as server,
        store_at(server.url, timeout_seconds_for(odd)) as store,
    ):
        with pytest.raises(
            UnavailableError, match=r"^Media cannot be stored or removed now; try again later$"
        ):
            await UPLOADS[call](store, file)


@pytest.mark.parametrize("odd", UNUSABLE)
async def test_uncertain_removal_raises(odd: str) -> None:
    async with (
        asyncio.timeout(30),
        canned_server(UNUSABLE[odd]) as server,
        store_at(server.url, timeout_seconds_for(odd)) as store,
    ):
        with pytest.raises(AppError):
            await store.destroy(MediaRef("songs/1/audio", "video"))


@pytest.mark.parametrize("result", ["ok", "not found"])
async def test_missing_media_count_as_removed(result: str) -> None:
    body = f'{{"result": "{result}"}}'.encode()
    async with canned_server(http_response(200, body)) as server, store_at(server.url) as store:
        await store.destroy(MediaRef("songs/1/audio", "video"))
        assert server.requests[0].startswith(b"POST /v1_1/test/video/destroy ")


@pytest.mark.parametrize("body", [b'{"result": "error"}', b"{}", b'{"result": null}'])
async def test_unknown_removal_result_is_a_failure(body: bytes) -> None:
    async with canned_server(http_response(200, body)) as server, store_at(server.url) as store:
        with pytest.raises(UnavailableError):
            await store.destroy(MediaRef("songs/1/audio", "video"))


async def test_calls_are_counted_by_outcome(file: Path) -> None:
    """A file that is refused is neither: the store works."""
    before = calls("succeeded"), calls("failed")
    async with canned_server(refusal("Invalid image file")) as server, store_at(server.url) as store:
        with pytest.raises(UnsupportedMediaError):
            await store.upload_image(file, "songs/1/cover")
        server.response = http_response(500, b"{}")
        with pytest.raises(UnavailableError):
            await store.upload_image(file, "songs/1/cover")
        server.response = http_response(200, STORED)
        await store.upload_image(file, "songs/1/cover")
    assert (calls("succeeded"), calls("failed")) == (before[0] + 1, before[1] + 1)


def calls(outcome: str) -> float:
    labels = {"dependency": "cloudinary", "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("dependency_calls_total", labels) or 0


def refusal(message: str) -> bytes:
    return http_response(400, json.dumps({"error": {"message": message}}).encode())


REFUSALS: dict[str, type[AppError]] = {
    "Invalid image file": UnsupportedMediaError,
    "Invalid video file": UnsupportedMediaError,
    "Unsupported video format or file": UnsupportedMediaError,
    "Unsupported ZIP file": UnsupportedMediaError,
    "Empty file": UnsupportedMediaError,
    "File size too large. Got 104857601. Maximum is 104857600.": TooLargeError,
    "Maximum image size is 25 Megapixels. Requested 30.00 Megapixels": TooLargeError,
    "Stale request - reported time is 2026-11-22 10:00:00 +0000": UnavailableError,
    "Invalid transformation component - br_64q": UnavailableError,
    "Missing required parameter - file": UnavailableError,
    "public_id (a) is invalid": UnavailableError,
    "Invalid Signature abc. String to sign - 'public_id=a'.": UnavailableError,
    "no": UnavailableError,
}


@pytest.mark.parametrize("call", UPLOADS)
@pytest.mark.parametrize("message", REFUSALS)
async def test_only_file_errors_are_client_errors(call: str, message: str, file: Path) -> None:
    async with canned_server(refusal(message)) as server, store_at(server.url) as store:
        with pytest.raises(REFUSALS[message]) as refused:
            await UPLOADS[call](store, file)
        assert type(refused.value) is REFUSALS[message]


@pytest.mark.parametrize("message", ["Invalid image file", "Stale request - reported time is long ago"])
async def test_refusal_without_a_file_is_logged_as_error(message: str) -> None:
    async with canned_server(refusal(message)) as server, store_at(server.url) as store:
        with structlog.testing.capture_logs() as logged:
            with pytest.raises(UnavailableError):
                await store.destroy(MediaRef("songs/1/audio", "video"))
            with pytest.raises(UnavailableError):
                await store.ping()
    assert [(each["log_level"], message in each["error"]) for each in logged] == [("error", True)] * 2


async def test_removals_do_not_queue_behind_uploads(file: Path) -> None:
    async with (
        asyncio.timeout(30),
        canned_server(None) as server,
        store_at(server.url) as store,
    ):
        uploads = [asyncio.create_task(store.upload_image(file, f"songs/{n}/cover")) for n in range(THREADS)]
        while server.kept_waiting < THREADS:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)
        server.response = http_response(200, b'{"result": "ok"}')
        await store.destroy(MediaRef("songs/1/audio", "video"))
        assert not any(upload.done() for upload in uploads)
        await server.hang_up()
        await asyncio.gather(*uploads, return_exceptions=True)


Pause = Callable[[], Awaitable[object]]


async def at_once() -> None:
    """No pause."""


class KeptConnections:
    """A store that responds to every request, and keeps its connections, until the end of the block."""

    def __init__(self, before_reading: Pause = at_once, before_response: Pause = at_once) -> None:
        self._before_reading, self._before_response = before_reading, before_response
        self.connections: set[asyncio.Task[None]] = set()
        self.bodies: list[int] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await self._before_reading()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                self.bodies.append(len(await reader.readexactly(length)))
                await self._before_response()
                writer.write(http_response(200, STORED, keep_alive=True))
        writer.close()
        await writer.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, sock=self.listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        cloudinary.uploader._http.clear()
        self._server.close()
        await asyncio.gather(*self.connections)


async def test_concurrent_uploads_reuse_connections(file: Path) -> None:
    all_at_once = asyncio.Barrier(THREADS)
    async with (
        asyncio.timeout(30),
        KeptConnections(before_response=all_at_once.wait) as server,
        store_at(server.url, timeout_seconds=30) as store,
    ):
        for _ in range(3):
            await asyncio.gather(*(store.upload_image(file, f"songs/{n}/cover") for n in range(THREADS)))
    assert len(server.connections) == THREADS


async def test_chunk_may_exceed_the_connect_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As over a line of 8 Mbit/s; here the store lets it wait, and buffers hold less than a chunk."""
    monkeypatch.setattr(shared.providers.cloudinary, "CONNECT_SECONDS", 0.2)
    small_buffer = (socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    monkeypatch.setitem(cloudinary.uploader._http.connection_pool_kw, "socket_options", [small_buffer])
    large = tmp_path / "large"
    large.write_bytes(bytes(2 * CHUNK_BYTES))
    server = KeptConnections(before_reading=partial(asyncio.sleep, 0.6))
    server.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    async with asyncio.timeout(60), server, store_at(server.url, timeout_seconds=30) as store:
        await store.upload_audio(large, "songs/1/audio")
    assert len(server.bodies) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="how a full queue of connections behaves")
async def test_connect_timeout_is_short(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.providers.cloudinary, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with asyncio.timeout(30), store_at(url, timeout_seconds=60) as store:
            with pytest.raises(UnavailableError):
                await store.upload_image(file, "songs/1/cover")


async def test_tls_handshake_has_the_connect_timeout(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.providers.cloudinary, "CONNECT_SECONDS", 0.1)
    async with asyncio.timeout(30), canned_server(None) as server:
        url = server.url.replace("http:", "https:")
        async with store_at(url, timeout_seconds=60) as store:
            with pytest.raises(UnavailableError):
                await store.upload_image(file, "songs/1/cover")


@pytest.mark.parametrize("call", UPLOADS)
async def test_unreachable_store_is_unavailable(call: str, file: Path) -> None:
    async with canned_server(b"") as server:
        url = server.url
    async with store_at(url) as store:
        with pytest.raises(UnavailableError):
            await UPLOADS[call](store, file)


@pytest.mark.parametrize("odd", ["hangs up", "is no JSON", "is 401", "is 503"])
async def test_ping_fails_on_any_unusable_response(odd: str) -> None:
    async with canned_server(UNUSABLE[odd]) as server, store_at(server.url) as store:
        with pytest.raises(UnavailableError):
            await store.ping()
