"""Renditions of uploaded media: each is made once, stored on disk, and complete before it is served."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.cloud.cloudinary.assets import Asset, Assets
from embedded.cloud.cloudinary.encoder import TranscodingError, find_ffmpeg, lower_priority
from embedded.cloud.cloudinary.pictures import write_variant
from embedded.cloud.cloudinary.transcoding import Transcoding
from embedded.cloud.cloudinary.transformations import AudioRendition, PictureFormat, PictureVariant
from embedded.disk_space import is_disk_full

AT_ONCE = 2
BACKGROUND_WORKERS = 1
TIME_LIMIT_SECONDS = 300.0
BACKGROUND_TIME_LIMIT_SECONDS = 3600.0
PICTURES_KEPT_PER_ASSET = 32

logger = logging.getLogger(__name__)


class RenditionError(Exception):
    """The rendition could not be made; the message is safe to show."""


class Renditions:
    """Opened with `async with`. Concurrent requests for a rendition wait for the same job.

    Renditions ordered with an upload (`eager`) are made in the background at a low priority, all those of a
    song in one pass over it; unfinished ones are queued again at the next start. A request for one of these
    does not wait for the queue: it is made on demand.
    """

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._jobs: dict[Path, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._ordered: asyncio.Queue[tuple[Asset, Sequence[AudioRendition]]] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._in_background: dict[asyncio.Task[None], Path] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, "transcoding")
        self._background_threads = ThreadPoolExecutor(
            BACKGROUND_WORKERS, "background-transcoding", initializer=lower_priority
        )
        self._ffmpeg = ""

    async def __aenter__(self) -> Self:
        self._ffmpeg = await asyncio.to_thread(find_ffmpeg)
        self._workers = [asyncio.create_task(self._make_ordered()) for _ in range(BACKGROUND_WORKERS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = [*self._workers, *self._in_background, *self._jobs.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._threads.shutdown()
        self._background_threads.shutdown()

    def order(self, asset: Asset, renditions: Sequence[AudioRendition]) -> None:
        """Queue them in the background; existing ones are skipped."""
        self._ordered.put_nowait((asset, renditions))

    async def audio(self, asset: Asset, rendition: AudioRendition) -> Path:
        """The finished file. Raises RenditionError, or OSError when the disk is full."""

        async def make(unfinished: Path) -> None:
            async with self._turns:
                results = [(rendition, unfinished)]
                original = self._assets.original_of(asset)
                await Transcoding(self._ffmpeg, original, results, TIME_LIMIT_SECONDS).run(self._threads)

        return await self._once(self._assets.folder_of(asset) / rendition.file_name, make)

    async def picture(self, asset: Asset, variant: PictureVariant, picture_format: PictureFormat) -> Path:
        """The finished file; of all variants of a picture only the newest few stay.

        Raises RenditionError, or OSError when the disk is full.
        """
        folder = self._assets.folder_of(asset)
        name = "-".join(
            str(part)
            for part in (variant.crop, variant.width, variant.height, variant.quality)
            if part is not None
        )

        async def make(unfinished: Path) -> None:
            async with self._turns:
                original = self._assets.original_of(asset)
                await asyncio.to_thread(write_variant, original, variant, picture_format, unfinished)
                await asyncio.to_thread(_drop_oldest_pictures, folder)

        return await self._once(folder / f"{name}.{picture_format}", make)

    async def discard(self, asset: Asset) -> None:
        """Cancels running jobs of this asset and removes its files."""
        folder = self._assets.folder_of(asset)
        running = [job for path, job in self._jobs.items() if path.parent == folder]
        running += [job for job, path in self._in_background.items() if path == folder]
        for job in running:
            job.cancel()
        if running:
            await asyncio.wait(running)
        await self._assets.discard_files(asset)

    async def _once(self, path: Path, make: Callable[[Path], Awaitable[None]]) -> Path:
        job = self._jobs.get(path)
        if job is None:
            if _exists(path):
                return path
            job = asyncio.create_task(self._make(path, make))
            self._jobs[path] = job
            job.add_done_callback(lambda done: self._finished(path, done))
        # Not `await job`: a client that disconnects would cancel the job for all others.
        await asyncio.wait([job])
        if job.cancelled():
            raise RenditionError("The media was removed")
        if error := job.exception():
            raise error
        return path

    def _finished(self, path: Path, job: asyncio.Task[None]) -> None:
        del self._jobs[path]
        if not job.cancelled():
            # All clients may have disconnected: asyncio complains about an exception that is never retrieved.
            job.exception()

    async def _make(self, path: Path, make: Callable[[Path], Awaitable[None]]) -> None:
        """Writes beside the final name and renames: a file under its name is complete, whatever happens."""
        unfinished = path.with_suffix(f"{path.suffix}.part")
        try:
            await make(unfinished)
            await asyncio.to_thread(unfinished.replace, path)
        except (TranscodingError, OSError) as error:
            logger.warning("could not make %s: %s", path.name, error)
            if is_disk_full(error):
                raise
            raise RenditionError("The media could not be converted") from error
        finally:
            await asyncio.to_thread(unfinished.unlink, missing_ok=True)

    async def _make_ordered(self) -> None:
        while True:
            asset, renditions = await self._ordered.get()
            folder = self._assets.folder_of(asset)
            missing = [each for each in renditions if not _exists(folder / each.file_name)]
            if not missing:
                continue
            job = asyncio.create_task(self._make_all(asset, missing))
            self._in_background[job] = folder
            # Not `await job`: a removal of the asset cancels the job, and not this worker.
            await asyncio.wait([job])
            del self._in_background[job]
            if not job.cancelled() and (error := job.exception()):
                # The next request tries again.
                logger.warning("no renditions of %s: %s", asset.public_id, error)

    async def _make_all(self, asset: Asset, renditions: Sequence[AudioRendition]) -> None:
        """Raises TranscodingError, OSError."""
        folder = self._assets.folder_of(asset)
        unfinished = [folder / f"{uuid.uuid4().hex}.part" for _ in renditions]
        results = list(zip(renditions, unfinished, strict=True))
        original = self._assets.original_of(asset)
        try:
            transcoding = Transcoding(self._ffmpeg, original, results, BACKGROUND_TIME_LIMIT_SECONDS)
            await transcoding.run(self._background_threads)
            for rendition, made in results:
                target = folder / rendition.file_name
                if not _exists(target):
                    # One made on demand in the meantime may be playing: its ETag stays.
                    await asyncio.to_thread(made.replace, target)
        finally:
            for each in unfinished:
                await asyncio.to_thread(each.unlink, missing_ok=True)


def _exists(path: Path) -> bool:
    return path.exists()


def _drop_oldest_pictures(folder: Path) -> None:
    """Clients choose the size: without a limit the variants of one picture could fill the disk."""
    variants = [file for file in folder.iterdir() if file.suffix in (".jpg", ".png", ".webp")]
    variants.sort(key=lambda file: file.stat().st_mtime_ns)
    for file in variants[: max(0, len(variants) + 1 - PICTURES_KEPT_PER_ASSET)]:
        file.unlink(missing_ok=True)
