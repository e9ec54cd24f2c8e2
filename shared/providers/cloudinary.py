"""Cloudinary: stores images and audio and delivers them. The only importer of its SDK.

The SDK blocks, so its calls run in a few threads, each with a timeout. Files are uploaded in chunks read from
disk: an upload takes a few times `CHUNK_BYTES` of memory, whatever its size.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils
import structlog
import urllib3
import urllib3.connection
import urllib3.exceptions

from shared import tracing
from shared.errors import TooLargeError, UnavailableError, UnsupportedMediaError
from shared.ports import MediaRef, StoredAudio, StoredImage
from shared.providers.counted_calls import CountedCalls
from shared.settings import MediaSettings

CHUNK_BYTES = 5_500_000
"""Cloudinary accepts chunks of 5 MB or more."""

THREADS = 6
SHORT_CALL_THREADS = 2
"""The threads for deletions and pings, which do not wait for uploads."""

CONNECT_SECONDS = 5.0
PING_SECONDS = 2.0

BIT_RATES = {"low": "64k", "medium": "128k", "high": "320k"}

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""Raised by the SDK when a response is valid JSON of another shape."""

# Cloudinary returns 400 for bad files and for our own errors; only the message distinguishes them.
_ABOUT_SIZE = re.compile(r"too large|maximum \w+ size", re.IGNORECASE)
_ABOUT_THE_FILE = re.compile(
    r"^(invalid (\w+ )?file|invalid (image|video|audio)$|unsupported|empty file|unknown \w+ format)"
    r"|corrupt|not supported|no audio|not contain",
    re.IGNORECASE,
)

ResponseT = TypeVar("ResponseT")

_counted = CountedCalls("cloudinary")

log = structlog.stdlib.get_logger(__name__)


class _Connection(urllib3.connection.HTTPConnection):
    """Connects within `CONNECT_SECONDS`, including TLS, whatever the timeout of the request.

    urllib3 uses its connect timeout also for sending the body: a slow network cannot send a whole chunk in
    it.
    """

    def connect(self) -> None:
        seconds, self.timeout = self.timeout, min(CONNECT_SECONDS, self.timeout or CONNECT_SECONDS)
        try:
            super().connect()
        finally:
            self.timeout = seconds
        self.sock.settimeout(seconds)


class _TlsConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_http: urllib3.PoolManager = cloudinary.uploader._http
_http.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
# One connection for each thread. The SDK keeps only one, and would reconnect for each call of the others.
_http.connection_pool_kw["maxsize"] = THREADS + SHORT_CALL_THREADS


class CloudinaryMediaStore:
    """Implements MediaStore; `threads` run uploads, `short_call_threads` everything else."""

    def __init__(
        self, settings: MediaSettings, threads: ThreadPoolExecutor, short_call_threads: ThreadPoolExecutor
    ) -> None:
        self._threads = threads
        self._short_call_threads = short_call_threads
        self._account: dict[str, Any] = {
            "cloud_name": settings.cloudinary_cloud_name,
            "api_key": settings.cloudinary_api_key,
            "api_secret": settings.cloudinary_api_secret.get_secret_value(),
            "upload_prefix": settings.cloudinary_api_url,
            "timeout": settings.cloudinary_timeout_seconds,
        }
        self._delivery = _delivery_options(settings.cloudinary_delivery_url, settings.cloudinary_cloud_name)

    async def upload_image(self, path: Path, public_id: str) -> StoredImage:
        stored = await self._upload(path, public_id, "image")
        url = self._url(public_id, resource_type="image", version=stored["version"], format=stored["format"])
        return StoredImage(public_id, url)

    async def upload_audio(self, path: Path, public_id: str) -> StoredAudio:
        eager = [{"bit_rate": rate, "format": "mp3"} for rate in BIT_RATES.values()]
        stored = await self._upload(path, public_id, "video", eager=eager, eager_async=True)
        address = partial(self._url, public_id, resource_type="video", version=stored["version"])
        renditions = {name: address(format="mp3", bit_rate=rate) for name, rate in BIT_RATES.items()}
        return StoredAudio(
            public_id,
            address(format=stored["format"]),
            renditions["low"],
            renditions["medium"],
            renditions["high"],
        )

    @_counted
    async def destroy(self, media: MediaRef) -> None:
        response: object = await self._call_shortly(
            cloudinary.uploader.destroy,
            media.public_id,
            resource_type=media.resource_type,
            invalidate=True,
        )
        if not isinstance(response, dict) or response.get("result") not in ("ok", "not found"):
            log.warning("media store failed", error="unexpected response to a deletion")
            raise _unavailable()

    async def ping(self) -> bool:
        await self._call_shortly(cloudinary.api.ping, timeout=PING_SECONDS)
        return True

    @_counted
    async def _upload(
        self, path: Path, public_id: str, resource_type: str, **options: object
    ) -> Mapping[str, Any]:
        try:
            response: object = await self._call(
                self._threads,
                cloudinary.uploader.upload_large,
                str(path),
                public_id=public_id,
                resource_type=resource_type,
                overwrite=False,
                chunk_size=CHUNK_BYTES,
                **options,
            )
        except cloudinary.exceptions.BadRequest as failure:
            raise _refusal_of(str(failure)) from failure
        if not isinstance(response, dict) or not {"version", "format"} <= response.keys():
            log.warning("media store failed", error="response without version and format")
            raise _unavailable()
        return response

    async def _call_shortly(
        self, function: Callable[..., ResponseT], *args: object, **options: object
    ) -> ResponseT:
        try:
            return await self._call(self._short_call_threads, function, *args, **options)
        except cloudinary.exceptions.BadRequest as failure:
            log.error("media store refused a call", error=str(failure))
            raise _unavailable() from failure

    async def _call(
        self,
        threads: ThreadPoolExecutor,
        function: Callable[..., ResponseT],
        *args: object,
        **options: object,
    ) -> ResponseT:
        """Returns what `function` returns.

        Raises:
            cloudinary.exceptions.BadRequest: the store refused the request.
            UnavailableError: it cannot be reached, times out, fails, or refuses the credentials.
        """
        call = partial(function, *args, **{**self._account, **options})
        try:
            with tracing.client_span(f"Cloudinary {function.__name__}"):
                return await asyncio.get_running_loop().run_in_executor(threads, call)
        except cloudinary.exceptions.BadRequest:
            raise
        except (cloudinary.exceptions.Error, urllib3.exceptions.HTTPError, *_UNREADABLE) as failure:
            log.warning("media store failed", error=type(failure).__name__)
            raise _unavailable() from failure

    def _url(self, public_id: str, **options: object) -> str:
        address, _ = cloudinary.utils.cloudinary_url(public_id, **self._delivery, **options)
        return str(address)


def _refusal_of(message: str) -> TooLargeError | UnsupportedMediaError | UnavailableError:
    """The error for a refused upload: 4xx if the message is about the file, else 503."""
    if _ABOUT_SIZE.search(message):
        log.warning("media refused", error=message)
        return TooLargeError("The file is too large to be stored")
    if _ABOUT_THE_FILE.search(message):
        log.warning("media refused", error=message)
        return UnsupportedMediaError("The file is not of a kind that can be stored")
    log.error("media store refused a call", error=message)
    return _unavailable()


def _unavailable() -> UnavailableError:
    return UnavailableError("Media cannot be stored or removed now; try again later")


def _delivery_options(delivery_url: str, cloud_name: str) -> dict[str, Any]:
    """The SDK's options for addresses under `delivery_url`: Cloudinary's own, or another host's."""
    parts = urlsplit(delivery_url)
    options: dict[str, Any] = {"cloud_name": cloud_name, "secure": parts.scheme == "https"}
    if parts.scheme == "https" and parts.netloc != "res.cloudinary.com":
        options["secure_distribution"] = parts.netloc
    if parts.scheme == "http":
        options["cname"] = parts.netloc
    return options


@asynccontextmanager
async def open_cloudinary(settings: MediaSettings) -> AsyncIterator[CloudinaryMediaStore]:
    """A media store; Cloudinary need not be reachable yet."""
    with (
        _threads(THREADS, "cloudinary") as threads,
        _threads(SHORT_CALL_THREADS, "cloudinary-short") as short_call_threads,
    ):
        yield CloudinaryMediaStore(settings, threads, short_call_threads)


@contextmanager
def _threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """At the end, running calls are awaited and queued ones are cancelled."""
    threads = ThreadPoolExecutor(count, thread_name_prefix=name)
    try:
        yield threads
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
