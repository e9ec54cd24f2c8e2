"""Other forms of uploaded media: each made once, kept on disk, complete before anyone gets a byte of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.cloud.cloudinary.assets import Asset, Assets
from embedded.cloud.cloudinary.pictures import write_variant
from embedded.cloud.cloudinary.transcoding import TranscodingError, ffmpeg_arguments, find_ffmpeg, transcode
from embedded.cloud.cloudinary.transformations import AudioRendition, PictureFormat, PictureVariant

AT_ONCE = 2
PICTURES_KEPT_PER_ASSET = 32

logger = logging.getLogger(__name__)


class RenditionError(Exception):
    """The rendition could not be made; the message is safe to show."""


class Renditions:
    """Opened with `async with`. Who asks for a rendition that is being made waits for the same job.

    Renditions ordered with an upload (`eager`) are made one after the other by a worker that gives way to
    everything else; what it had not made when the process ended is queued again at the next start.
    """

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._jobs: dict[Path, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._ordered: asyncio.Queue[tuple[Asset, AudioRendition]] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._ffmpeg = ""

    async def __aenter__(self) -> Self:
        self._ffmpeg = await asyncio.to_thread(find_ffmpeg)
        self._worker = asyncio.create_task(self._make_ordered())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = [*([self._worker] if self._worker else []), *self._jobs.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def order(self, asset: Asset, rendition: AudioRendition) -> None:
        """Has it made when nothing else is to do; what exists already costs nothing."""
        self._ordered.put_nowait((asset, rendition))

    async def audio(self, asset: Asset, rendition: AudioRendition, *, in_background: bool = False) -> Path:
        """The finished file. Raises RenditionError."""

        async def make(unfinished: Path) -> None:
            arguments = ffmpeg_arguments(
                self._assets.original_of(asset), rendition, asset.details["audio"], unfinished
            )
            if in_background:
                await transcode(self._ffmpeg, arguments, in_background=True)
                return
            async with self._turns:
                await transcode(self._ffmpeg, arguments, in_background=False)

        return await self._once(self._assets.folder_of(asset) / rendition.file_name, make)

    async def picture(self, asset: Asset, variant: PictureVariant, picture_format: PictureFormat) -> Path:
        """The finished file; of all variants of a picture only the newest few stay. Raises RenditionError."""
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
        """Ends what is being made of this asset and removes its files."""
        folder = self._assets.folder_of(asset)
        running = [job for path, job in self._jobs.items() if path.parent == folder]
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
        # Not `await job`: a client that leaves would take the job, and with it all others who wait, along.
        await asyncio.wait([job])
        if job.cancelled():
            raise RenditionError("The media was removed")
        if error := job.exception():
            raise error
        return path

    def _finished(self, path: Path, job: asyncio.Task[None]) -> None:
        del self._jobs[path]
        if not job.cancelled():
            # Everyone who asked may have left: asyncio complains about an error that nobody looked at.
            job.exception()

    async def _make(self, path: Path, make: Callable[[Path], Awaitable[None]]) -> None:
        """Writes beside the final name and renames: a file under its name is complete, whatever happens."""
        unfinished = path.with_suffix(f"{path.suffix}.part")
        try:
            await make(unfinished)
            await asyncio.to_thread(unfinished.replace, path)
        except (TranscodingError, OSError) as error:
            logger.warning("could not make %s: %s", path.name, error)
            raise RenditionError("The media could not be converted") from error
        finally:
            await asyncio.to_thread(unfinished.unlink, missing_ok=True)

    async def _make_ordered(self) -> None:
        while True:
            asset, rendition = await self._ordered.get()
            try:
                await self.audio(asset, rendition, in_background=True)
            except RenditionError as error:
                # Said by _make; whoever plays the song tries again.
                logger.debug("an ordered rendition of %s is missing: %s", asset.public_id, error)


def _exists(path: Path) -> bool:
    return path.exists()


def _drop_oldest_pictures(folder: Path) -> None:
    """Anyone can ask for any size: without a limit the variants of one picture could fill the disk."""
    variants = [file for file in folder.iterdir() if file.suffix in (".jpg", ".png", ".webp")]
    variants.sort(key=lambda file: file.stat().st_mtime_ns)
    for file in variants[: max(0, len(variants) + 1 - PICTURES_KEPT_PER_ASSET)]:
        file.unlink(missing_ok=True)
