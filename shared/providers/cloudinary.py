"""Cloudinary: keeps images and audio and delivers them. The only importer of its SDK.

The SDK blocks, so its calls run in a few threads of their own, each with a time-out. Files go up in chunks
read from disk: an upload costs a few times `CHUNK_BYTES` of memory however large it is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils
import structlog
import urllib3.exceptions

from shared.errors import UnavailableError, UnsupportedMediaError
from shared.ports import MediaRef, StoredAudio, StoredImage
from shared.settings import MediaSettings

CHUNK_BYTES = 5_500_000
"""Cloudinary takes chunks from 5 MB on."""

THREADS = 6
PING_SECONDS = 2.0
BIT_RATES = {"low": "64k", "medium": "128k", "high": "320k"}

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What the SDK stumbles with over an answer that is JSON, and not the JSON that it expects."""

Answer = TypeVar("Answer")

log = structlog.stdlib.get_logger(__name__)


class CloudinaryMediaStore:
    """Implements MediaStore."""

    def __init__(self, settings: MediaSettings, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
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

    async def destroy(self, media: MediaRef) -> None:
        answer: object = await self._call(
            cloudinary.uploader.destroy,
            media.public_id,
            resource_type=media.resource_type,
            invalidate=True,
        )
        if not isinstance(answer, dict) or answer.get("result") not in ("ok", "not found"):
            log.warning("media store failed", error="answer that is no removal")
            raise _unavailable()

    async def ping(self) -> bool:
        await self._call(cloudinary.api.ping, timeout=PING_SECONDS)
        return True

    async def _upload(
        self, path: Path, public_id: str, resource_type: str, **options: object
    ) -> Mapping[str, Any]:
        answer: object = await self._call(
            cloudinary.uploader.upload_large,
            str(path),
            public_id=public_id,
            resource_type=resource_type,
            overwrite=False,
            chunk_size=CHUNK_BYTES,
            **options,
        )
        if not isinstance(answer, dict) or not {"version", "format"} <= answer.keys():
            log.warning("media store failed", error="answer without version and format")
            raise _unavailable()
        return answer

    async def _call(self, function: Callable[..., Answer], *args: object, **options: object) -> Answer:
        call = partial(function, *args, **{**self._account, **options})
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except cloudinary.exceptions.BadRequest as failure:
            log.warning("media refused", error=str(failure))
            raise UnsupportedMediaError("The file is not of a kind that can be stored") from failure
        except (cloudinary.exceptions.Error, urllib3.exceptions.HTTPError, *_UNREADABLE) as failure:
            log.warning("media store failed", error=type(failure).__name__)
            raise _unavailable() from failure

    def _url(self, public_id: str, **options: object) -> str:
        address, _ = cloudinary.utils.cloudinary_url(public_id, **self._delivery, **options)
        return str(address)


def _unavailable() -> UnavailableError:
    return UnavailableError("Media cannot be stored or removed now")


def _delivery_options(delivery_url: str, cloud_name: str) -> dict[str, Any]:
    """What makes the SDK build addresses under `delivery_url`: Cloudinary's own, or another host's."""
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
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cloudinary")
    try:
        yield CloudinaryMediaStore(settings, threads)
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
