"""The local Cloudinary: the upload API that its SDK calls. See `delivery` for the CDN."""

import asyncio
import base64
import hmac
import secrets
import string
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from embedded.cloud.cloudinary.assets import Asset, Assets, ResourceType, is_public_id
from embedded.cloud.cloudinary.delivery import Delivery
from embedded.cloud.cloudinary.probing import Facts, NotMediaError, probe_audio, probe_picture
from embedded.cloud.cloudinary.renditions import RenditionError, Renditions
from embedded.cloud.cloudinary.request_signature import RefusedRequestError, response_signature
from embedded.cloud.cloudinary.transformations import (
    AudioRendition,
    UnsupportedTransformationError,
    audio_rendition,
    eager_steps,
)
from embedded.cloud.cloudinary.uploads import MAX_REQUEST_BYTES, Uploads, chunk_of, md5_of, signed_form
from embedded.cloud.settings import CloudSettings
from embedded.disk_space import has_space

RANDOM_ID_CHARACTERS = 20
PROBES_AT_ONCE = 2


def cloudinary_error(status: int, message: str) -> Response:
    """Cloudinary's error shape, from which its SDK makes one of `cloudinary.exceptions` by status."""
    # A header holds one line of latin-1, and no more than a proxy would take.
    line = " ".join(message.split())[:200].encode("ascii", "replace").decode("ascii")
    return JSONResponse({"error": {"message": message}}, status_code=status, headers={"X-Cld-Error": line})


async def refuse(request: Request, error: Exception) -> Response:
    """Handles RefusedRequestError for the whole app."""
    if not isinstance(error, RefusedRequestError):
        raise error
    return cloudinary_error(error.status, str(error))


def eager_renditions(eager: str, original_format: str) -> list[tuple[str, AudioRendition]]:
    """Steps, without the format, and what they mean; the format is mp3 when none is given.

    Raises RefusedRequestError (400), which depends on `eager` alone.
    """
    try:
        wanted = [
            (steps, audio_rendition(steps, extension or "mp3", original_format))
            for steps, extension in eager_steps(eager)
        ]
    except UnsupportedTransformationError as error:
        raise RefusedRequestError(400, f"Invalid eager transformation: {error}") from error
    return [(steps, rendition) for steps, rendition in wanted if rendition]


class Cloudinary:
    """Opened with `async with`; files and their database are stored in `data_dir/cloudinary`."""

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings
        self._assets = Assets(settings.data_dir / "cloudinary")
        self._renditions = Renditions(self._assets)
        self._uploads = Uploads(self._assets.incoming)
        self._delivery = Delivery(settings, self._assets, self._renditions)
        self._probing = asyncio.Semaphore(PROBES_AT_ONCE)

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1_1/{cloud}/ping", self._ping),
            Route(
                "/v1_1/{cloud}/{resource_type}/upload",
                self._upload,
                methods=["POST"],
                max_body_size=MAX_REQUEST_BYTES,
            ),
            Route("/v1_1/{cloud}/{resource_type}/destroy", self._destroy, methods=["POST"]),
            Route("/v1_1/{rest:path}", self._unknown_call, methods=["GET", "POST", "PUT", "DELETE"]),
            *self._delivery.routes,
        ]

    async def __aenter__(self) -> Self:
        await self._assets.__aenter__()
        try:
            await self._renditions.__aenter__()
        except BaseException:
            await self._assets.__aexit__(None, None, None)
            raise
        for asset in await self._assets.all():
            self._order(asset)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._renditions.__aexit__(kind, error, trace)
        await self._assets.__aexit__(kind, error, trace)

    async def _ping(self, request: Request) -> Response:
        self._check_cloud(request)
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        expected = f"{self._settings.cloudinary_api_key}:{self._settings.cloudinary_api_secret}"
        if scheme.lower() != "basic" or not hmac.compare_digest(
            credentials.encode(), base64.b64encode(expected.encode())
        ):
            return cloudinary_error(401, "Invalid credentials")
        if not has_space(self._settings.data_dir):
            # Health then says that nothing can be uploaded. The SDK knows no 507 here.
            return cloudinary_error(503, "The disk is full")
        return JSONResponse({"status": "ok"})

    async def _unknown_call(self, request: Request) -> Response:
        return cloudinary_error(404, "The local Cloudinary implements upload, destroy and ping only")

    async def _upload(self, request: Request) -> Response:
        self._check_cloud(request)
        resource_type = _resource_type(request)
        chunk = chunk_of(request)
        async with signed_form(request, self._settings) as form:
            if form.file is None:
                raise RefusedRequestError(400, "Missing required parameter - file")
            public_id = _public_id(form.fields)
            if resource_type == "video":
                # Refused before anything is stored.
                eager_renditions(form.fields.get("eager", ""), original_format="mp3")
            file = await (self._uploads.part(form.file, chunk) if chunk else self._uploads.whole(form.file))
            if file is None:
                return JSONResponse({"done": False, "public_id": public_id})
            try:
                return await self._keep(file, resource_type, public_id, form.fields, form.file.filename)
            finally:
                await asyncio.to_thread(file.unlink, missing_ok=True)

    async def _keep(
        self,
        file: Path,
        resource_type: ResourceType,
        public_id: str,
        fields: dict[str, str],
        filename: str | None,
    ) -> Response:
        """Probes the file, stores it and schedules its renditions."""
        existing = await self._assets.find(resource_type, public_id)
        if existing and fields.get("overwrite") in ("0", "false"):
            return self._uploaded(existing, fields, existing=True)
        async with self._probing:
            facts = await _probe(file, resource_type)
            etag = await asyncio.to_thread(md5_of, file)
        size = (await asyncio.to_thread(file.stat)).st_size
        now = datetime.now(UTC)
        asset, replaced = await self._assets.store(
            Asset(
                resource_type=resource_type,
                public_id=public_id,
                asset_id=uuid.uuid4().hex,
                version=int(now.timestamp()),
                version_id=uuid.uuid4().hex,
                format=facts.format,
                bytes=size,
                etag=etag,
                created_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                original_filename=Path(filename or "file").stem,
                eager=fields.get("eager", "") if resource_type == "video" else "",
                details=facts.details,
            ),
            file,
        )
        if replaced:
            await self._renditions.discard(replaced)
        if fields.get("eager_async") in ("1", "true"):
            self._order(asset)
        else:
            for _, rendition in eager_renditions(asset.eager, asset.format):
                try:
                    await self._renditions.audio(asset, rendition)
                except OSError:
                    await self._remove(asset)
                    raise
                except RenditionError as error:
                    await self._remove(asset)
                    raise RefusedRequestError(400, str(error)) from error
        return self._uploaded(asset, fields)

    def _order(self, asset: Asset) -> None:
        renditions = [rendition for _, rendition in eager_renditions(asset.eager, asset.format)]
        if renditions:
            self._renditions.order(asset, renditions)

    async def _destroy(self, request: Request) -> Response:
        self._check_cloud(request)
        resource_type = _resource_type(request)
        async with signed_form(request, self._settings) as form:
            if not form.fields.get("public_id"):
                raise RefusedRequestError(400, "Missing required parameter - public_id")
            asset = await self._assets.find(resource_type, form.fields["public_id"])
        removed = asset is not None and await self._remove(asset)
        return JSONResponse({"result": "ok" if removed else "not found"})

    async def _remove(self, asset: Asset) -> bool:
        """Whether it existed."""
        if not await self._assets.forget(asset):
            return False
        await self._renditions.discard(asset)
        return True

    def _check_cloud(self, request: Request) -> None:
        name = request.path_params["cloud"]
        if name != self._settings.cloud_name:
            raise RefusedRequestError(401, f"Invalid cloud_name {name[:40]}")

    def _uploaded(self, asset: Asset, fields: dict[str, str], *, existing: bool = False) -> Response:
        folder = f"{self._settings.public_url}/{self._settings.cloud_name}/{asset.resource_type}/upload"
        name = quote(asset.public_id, safe="/")
        url = f"{folder}/v{asset.version}/{name}.{asset.format}"
        in_background = fields.get("eager_async") in ("1", "true")
        eager = [
            {
                "transformation": steps,
                "format": "mp3",
                "url": f"{folder}/{steps}/v{asset.version}/{name}.mp3",
                "secure_url": f"{folder}/{steps}/v{asset.version}/{name}.mp3",
                **({"status": "processing"} if in_background else {}),
            }
            for steps, _ in eager_renditions(asset.eager, asset.format)
        ]
        answer: dict[str, Any] = {
            "asset_id": asset.asset_id,
            "public_id": asset.public_id,
            "version": asset.version,
            "version_id": asset.version_id,
            "signature": response_signature(
                asset.public_id, asset.version, self._settings.cloudinary_api_secret
            ),
            "format": asset.format,
            "resource_type": asset.resource_type,
            "created_at": asset.created_at,
            "tags": [tag for tag in fields.get("tags", "").split(",") if tag],
            "bytes": asset.bytes,
            "type": "upload",
            "etag": asset.etag,
            "placeholder": False,
            "url": url,
            "secure_url": url,
            "playback_url": url,
            "asset_folder": asset.public_id.rpartition("/")[0],
            "display_name": asset.public_id.rpartition("/")[2],
            "original_filename": asset.original_filename,
            **asset.details,
            **({"eager": eager} if eager else {}),
            **({"existing": True} if existing else {}),
        }
        return JSONResponse(answer, headers={"X-Request-Id": uuid.uuid4().hex})


def _resource_type(request: Request) -> ResourceType:
    match request.path_params["resource_type"]:
        case "image":
            return "image"
        case "video":
            return "video"
        case other:
            raise RefusedRequestError(400, f"The resource type is image or video here, not {other[:20]}")


def _public_id(fields: dict[str, str]) -> str:
    """The requested public id, within `folder` if there is one; random by default."""
    public_id = fields.get("public_id") or "".join(
        secrets.choice(string.ascii_lowercase + string.digits) for _ in range(RANDOM_ID_CHARACTERS)
    )
    if folder := fields.get("folder", "").strip("/"):
        public_id = f"{folder}/{public_id}"
    if not is_public_id(public_id):
        raise RefusedRequestError(400, f"public_id ({public_id[:100]}) is invalid")
    return public_id


async def _probe(file: Path, resource_type: ResourceType) -> Facts:
    try:
        return await asyncio.to_thread(probe_audio if resource_type == "video" else probe_picture, file)
    except NotMediaError as error:
        raise RefusedRequestError(400, str(error)) from error
