"""Signed uploads sent by hand, for what the SDK would not send."""

import secrets
import time
from pathlib import Path
from typing import Any

import cloudinary.uploader
import cloudinary.utils
import httpx

from embedded.cloud.settings import CloudSettings


def sdk_options(cloud: CloudSettings) -> dict[str, Any]:
    """What every call of the Cloudinary SDK is given in place of its process-wide configuration."""
    return {
        "cloud_name": cloud.cloud_name,
        "api_key": cloud.cloudinary_api_key,
        "api_secret": cloud.cloudinary_api_secret,
        "upload_prefix": cloud.public_url,
        "timeout": 30,
    }


def new_id() -> str:
    return f"songs/{secrets.token_hex(6)}"


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def folders_of_media(cloud: CloudSettings) -> set[str]:
    return {folder.name for folder in (cloud.data_dir / "cloudinary" / "media").iterdir()}


def signed(cloud: CloudSettings, **fields: Any) -> dict[str, str]:
    """The fields of an upload as the SDK would sign and send them."""
    fields = {"timestamp": int(time.time()), **fields}
    options = {"api_key": cloud.cloudinary_api_key, "api_secret": cloud.cloudinary_api_secret}
    return {name: str(value) for name, value in cloudinary.utils.sign_request(fields, options).items()}


async def post(
    cloud: CloudSettings, kind: str, fields: Any, file: bytes | None, **headers: str
) -> httpx.Response:
    files = {"file": ("a.bin", file, "audio/mpeg")} if file is not None else None
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        path = f"/v1_1/{cloud.cloud_name}/{kind}/upload"
        return await http.post(path, data=fields, files=files, headers=headers)


def upload_song(file: Path, options: dict[str, Any]) -> str:
    """By the SDK; blocks. The public id of the song."""
    response = cloudinary.uploader.upload(str(file), resource_type="video", public_id=new_id(), **options)
    return str(response["public_id"])
