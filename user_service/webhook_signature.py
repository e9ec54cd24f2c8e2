"""Signatures of webhooks, as Svix makes them for Clerk (the Standard Webhooks scheme)."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

from shared.errors import MalformedError

TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with


class InvalidSignatureError(MalformedError):
    """The signature is wrong, or too old."""

    code = "invalid_signature"

    def __init__(self) -> None:
        super().__init__("The webhook's signature is not valid")


def key_of(secret: str) -> bytes:
    """The signing key in a secret such as whsec_….

    Raises:
        ValueError: it is not one.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("must begin with whsec_")
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("must be whsec_ and base64") from None


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """One entry of the signature header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def check_signature(key: bytes, headers: Mapping[str, str], body: bytes) -> str:
    """The id of the message.

    Raises:
        InvalidSignatureError: a header is missing or wrong, or the message is too old.
    """
    message_id, timestamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise InvalidSignatureError
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError
    expected = sign(key, message_id, timestamp, body).encode()
    given = headers.get("svix-signature", "").encode("utf-8", "replace").split()
    if not any(hmac.compare_digest(each, expected) for each in given):
        raise InvalidSignatureError
    return message_id
