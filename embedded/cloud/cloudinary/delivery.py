"""Media as the local Cloudinary's CDN serves them: complete files with a length, never while they are
transcoded.
"""

import logging
import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from embedded.cloud.browser_access import OPEN_TO_BROWSERS, preflight
from embedded.cloud.cloudinary.assets import Asset, Assets, ResourceType, is_public_id
from embedded.cloud.cloudinary.renditions import RenditionError, Renditions
from embedded.cloud.cloudinary.request_signature import is_url_signature
from embedded.cloud.cloudinary.stored_file import StoredFileResponse
from embedded.cloud.cloudinary.transformations import (
    PictureFormat,
    UnsupportedTransformationError,
    audio_rendition,
    looks_like_transformation,
    picture_variant,
)
from embedded.cloud.settings import CloudSettings
from shared.media.formats import AUDIO_FORMATS, IMAGE_FORMATS

# A URL carries the version of what it delivers, so what it delivers never changes.
CACHE_CONTROL = "public, max-age=31536000, immutable"
ATTEMPTS = 2
MEDIA_TYPES = {each.extension: each.media_type for each in (*AUDIO_FORMATS, *IMAGE_FORMATS)}
# Formats with transparency, which jpg lacks.
KEPT_TRANSPARENT = frozenset({"gif", "png", "webp"})
RESOURCE_TYPES: dict[str, ResourceType] = {"image": "image", "video": "video"}
_SIGNATURE = re.compile(r"s--([A-Za-z0-9_-]{8,32})--")
_VERSION = re.compile(r"v[0-9]+", re.ASCII)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeliveryPath:
    """What follows `upload/`: `[s--signature--/][steps/][v{version}/]{source}`."""

    signature: str | None
    steps: str
    source: str

    @classmethod
    def parse(cls, text: str) -> "DeliveryPath":
        segments = text.split("/")
        match = _SIGNATURE.fullmatch(segments[0])
        if match:
            segments = segments[1:]
        count = 0
        while count < len(segments) - 1 and looks_like_transformation(segments[count]):
            count += 1
        version = next((at for at, segment in enumerate(segments[:-1]) if _VERSION.fullmatch(segment)), None)
        if version is not None and all("_" in segment for segment in segments[:version]):
            # Segments before the version can only be transformations, including unknown ones.
            return cls(match and match[1], "/".join(segments[:version]), "/".join(segments[version + 1 :]))
        return cls(match and match[1], "/".join(segments[:count]), "/".join(segments[count:]))


class Delivery:
    """`GET /{cloud}/{image|video}/upload/...`, readable by pages of any origin."""

    def __init__(self, settings: CloudSettings, assets: Assets, renditions: Renditions) -> None:
        self._settings = settings
        self._assets = assets
        self._renditions = renditions

    @property
    def routes(self) -> list[BaseRoute]:
        path = f"/{self._settings.cloud_name}/{{resource_type}}/upload/{{rest:path}}"
        return [
            Route(path, self._deliver, methods=["GET"]),
            Route(path, preflight, methods=["OPTIONS"]),
        ]

    async def _deliver(self, request: Request) -> ASGIApp:
        path = DeliveryPath.parse(request.path_params["rest"])
        secret = self._settings.cloudinary_api_secret
        if path.signature and not is_url_signature(path.signature, path.steps, path.source, secret):
            return _no_delivery(401, "Invalid signature")
        for _ in range(ATTEMPTS):
            asset, extension = await self._find(request.path_params["resource_type"], path.source)
            if asset is None:
                return _no_delivery(404, "Resource not found")
            try:
                return await self._open(asset, path.steps, extension, request)
            except UnsupportedTransformationError as error:
                return _no_delivery(400, f"Invalid transformation: {error}")
            except (RenditionError, FileNotFoundError) as error:
                # It may have been removed or replaced between lookup and opening: look up again.
                logger.info("no %s yet: %s", path.source, error)
        return _no_delivery(500, "The media could not be converted")

    async def _find(self, resource_type: str, source: str) -> tuple[Asset | None, str | None]:
        """The asset and the extension of the URL; an id may itself end in what looks like an extension."""
        kind = RESOURCE_TYPES.get(resource_type)
        if kind is None or not is_public_id(source):
            return None, None
        name, dot, extension = source.rpartition(".")
        if dot and (asset := await self._assets.find(kind, name)):
            return asset, extension.lower()
        return await self._assets.find(kind, source), None

    async def _open(self, asset: Asset, steps: str, extension: str | None, request: Request) -> ASGIApp:
        headers = {**OPEN_TO_BROWSERS, "Cache-Control": CACHE_CONTROL}
        path, delivered_format = self._assets.original_of(asset), asset.format
        if asset.resource_type == "video":
            rendition = audio_rendition(steps, extension, asset.format)
            if rendition:
                path, delivered_format = await self._renditions.audio(asset, rendition), "mp3"
        else:
            variant = picture_variant(steps, extension, asset.format)
            if variant:
                if variant.format is None:
                    headers["Vary"] = "Accept"
                picture_format = variant.format or _accepted_format(request, asset.format)
                path = await self._renditions.picture(asset, variant, picture_format)
                delivered_format = picture_format
        media_type = MEDIA_TYPES.get(delivered_format, "application/octet-stream")
        return await StoredFileResponse.open(path, media_type, headers)


def _accepted_format(request: Request, original_format: str) -> PictureFormat:
    """`f_auto`: WebP for clients that accept it, otherwise a format that works everywhere."""
    if "image/webp" in request.headers.get("accept", ""):
        return "webp"
    return "png" if original_format in KEPT_TRANSPARENT else "jpg"


def _no_delivery(status: int, message: str) -> Response:
    """Like the CDN: the reason is in a header, because an `<img>` or `<audio>` shows no body."""
    line = message[:200].encode("ascii", "replace").decode("ascii")
    headers = {**OPEN_TO_BROWSERS, "X-Cld-Error": line, "Cache-Control": "no-store"}
    return PlainTextResponse(message, status_code=status, headers=headers)
