"""The headers that let the gateway cache a response (api_gateway/response_cache.py)."""

import time
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from shared.access.caller import CREDENTIALS, Credentials
from shared.cache.entry import Content

MAX_TAGS: Final = 100
"""More would make the head too large and validation expensive."""

SLACK_SECONDS: Final = 1
"""For the latency of the response: an expired token must not count as valid."""


def marks_of(request: Request, content: Content, *, is_own: bool = False) -> dict[str, str]:
    """`Surrogate-Control` and `Surrogate-Key`; empty when the response must not be cached.

    Shared content may be sent to every caller with a valid token, because the service returns the same to all
    of them. Other content is for one token, until it expires, and depends on the user that the request was
    authorized as. `is_own`: the content itself depends on its owner's tag.
    """
    credentials: Credentials | None = request.scope.get(CREDENTIALS)
    versions, ends_at = content.versions, content.expires_at
    marks: dict[str, str] = {}
    directives = []
    if content.is_shared and (credentials is None or credentials.were_optional):
        directives.append("shared")
        if content.not_for:
            marks["Surrogate-Not-For"] = " ".join(content.not_for)
        if credentials is not None:
            marks |= _token_mark(credentials)
    elif "authorization" in request.headers:
        owner = content if is_own else _owner(credentials)
        if credentials is None or owner is None:
            return {}
        versions = _merged(versions, owner.versions)
        ends_at = min(ends_at, owner.expires_at, credentials.token_expires_at)
        marks |= _token_mark(credentials)
    seconds = _seconds_until(ends_at)
    if versions is None or len(versions) > MAX_TAGS or seconds <= 0:
        return {}
    directives.append(f"max-age={seconds}")
    return {
        **marks,
        "Surrogate-Control": ", ".join(directives),
        "Surrogate-Key": _key(versions),
    }


def _token_mark(credentials: Credentials) -> dict[str, str]:
    """`Surrogate-Token`: the token's remaining validity, its user, and the versions that this depends on."""
    seconds = _seconds_until(credentials.token_expires_at)
    if seconds <= 0:
        return {}
    caller, owner = credentials.caller, _owner(credentials)
    if caller is None or owner is None or owner.versions is None:
        return {"Surrogate-Token": f"max-age={seconds}"}
    return {"Surrogate-Token": f"max-age={seconds}, caller={caller.id} {_key(owner.versions)}"}


def _key(versions: Mapping[str, bytes]) -> str:
    return " ".join(f"{tag}={version.decode('ascii')}" for tag, version in versions.items())


def _owner(credentials: Credentials | None) -> Content | None:
    """The cached content that identifies the caller."""
    return None if credentials is None or credentials.caller is None else credentials.caller.read_as


def _merged(one: Mapping[str, bytes] | None, other: Mapping[str, bytes] | None) -> Mapping[str, bytes] | None:
    """The versions that both depend on; None when they are not known, or cannot be current together."""
    if (
        one is None
        or other is None
        or any(one.get(tag, version) != version for tag, version in other.items())
    ):
        return None
    return {**one, **other}


def _seconds_until(moment: float) -> int:
    return int(moment - time.time()) - SLACK_SECONDS
