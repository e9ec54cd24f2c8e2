"""Whether an upload request was signed with the secret that belongs to its API key (signature version 2)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote

MAX_AGE_SECONDS = 3600
UNSIGNED_FIELDS = frozenset({"signature", "api_key", "file"})
SHA256_HEX_CHARACTERS = 64
LONG_URL_SIGNATURE_CHARACTERS = 32


class RefusedRequestError(Exception):
    """`status` and the message are those of Cloudinary's response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def string_to_sign(fields: Mapping[str, str]) -> str:
    """All signed fields that are not empty, with `&` in values escaped, so that the encoding is
    unambiguous.
    """
    signed = (f"{key}={value}" for key, value in fields.items() if key not in UNSIGNED_FIELDS and value)
    return "&".join(sorted(field.replace("&", "%26") for field in signed))


def check_signature(fields: Mapping[str, str], *, api_key: str, api_secret: str) -> None:
    """Raises RefusedRequestError: 400 for what is missing or too old, 401 for a wrong key or signature."""
    signature = fields.get("signature", "")
    if not signature:
        raise RefusedRequestError(400, "Upload preset must be specified when using unsigned upload")
    for name in ("api_key", "timestamp"):
        if not fields.get(name):
            raise RefusedRequestError(400, f"Missing required parameter - {name}")
    if not hmac.compare_digest(fields["api_key"].encode(), api_key.encode()):
        raise RefusedRequestError(401, f"Unknown API key {fields['api_key'][:40]}")
    text = string_to_sign(fields)
    digest = hashlib.sha256 if len(signature) == SHA256_HEX_CHARACTERS else hashlib.sha1
    expected = digest((text + api_secret).encode()).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise RefusedRequestError(401, f"Invalid Signature {signature[:64]}. String to sign - '{text}'.")
    timestamp = fields["timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise RefusedRequestError(400, "Invalid timestamp")
    if abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        raise RefusedRequestError(400, f"Stale request - reported time {timestamp} is more than 1 hour off")


def response_signature(public_id: str, version: int, api_secret: str) -> str:
    """The signature in the response to an upload, by which clients verify that it is Cloudinary's."""
    text = f"public_id={public_id}&version={version}{api_secret}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 -- the algorithm is Cloudinary's


def is_url_signature(signature: str, steps: str, source: str, api_secret: str) -> bool:
    """Whether `s--{signature}--` in a delivery URL fits its transformation steps and its decoded source."""
    escaped = quote(source, safe="/:").replace("~", "%7E")
    text = ("/".join(filter(None, (steps, escaped))) + api_secret).encode()
    if len(signature) == LONG_URL_SIGNATURE_CHARACTERS:
        digest = hashlib.sha256(text).digest()
    else:
        digest = hashlib.sha1(text).digest()  # noqa: S324 -- the algorithm is Cloudinary's
    length = LONG_URL_SIGNATURE_CHARACTERS if len(signature) == LONG_URL_SIGNATURE_CHARACTERS else 8
    return hmac.compare_digest(base64.urlsafe_b64encode(digest)[:length], signature.encode())
