"""Tokens by which services act for a caller in each other."""

import secrets
import time

import jwt
import pytest

from shared.access import delegation
from shared.access.caller import Identity, InvalidTokenError
from shared.access.delegation import Delegation, SessionOrDelegation

SECRET = secrets.token_urlsafe(24)


class NoSessions:
    """A `TokenVerifier` that records the tokens and refuses all of them."""

    def __init__(self) -> None:
        self.requested: list[str] = []

    async def verify(self, token: str) -> Identity:
        self.requested.append(token)
        raise InvalidTokenError


async def test_delegation_token_identifies_the_user() -> None:
    verifier = SessionOrDelegation(NoSessions(), Delegation(SECRET))
    identity = await verifier.verify(Delegation(SECRET).token_for("user_1"))
    assert identity.clerk_id == "user_1"
    assert identity.expires_at > time.time() + 3000


@pytest.mark.parametrize("key", ["", "another secret", SECRET], ids=["none", "another", "the same"])
async def test_token_signed_with_another_key_is_refused(key: str) -> None:
    """The derived key signs, never the secret itself."""
    forged = jwt.encode(
        {"sub": "user_1", "exp": time.time() + 60},
        key.encode().ljust(32, b"0"),
        "HS256",
        headers={"typ": delegation.TYPE},
    )
    sessions = NoSessions()
    with pytest.raises(InvalidTokenError):
        await SessionOrDelegation(sessions, Delegation(SECRET)).verify(forged)
    assert sessions.requested == []


async def test_unsigned_token_is_refused() -> None:
    forged = jwt.encode(
        {"sub": "user_1", "exp": time.time() + 60}, "", "none", headers={"typ": delegation.TYPE}
    )
    with pytest.raises(InvalidTokenError):
        await SessionOrDelegation(NoSessions(), Delegation(SECRET)).verify(forged)


async def test_expired_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delegation, "SECONDS", -1)
    with pytest.raises(InvalidTokenError):
        Delegation(SECRET).verify(Delegation(SECRET).token_for("user_1"))


@pytest.mark.parametrize("token", ["", "a.b.c", "no token", "ak_123", "é.é.é"])
async def test_other_tokens_are_session_tokens(token: str) -> None:
    sessions = NoSessions()
    with pytest.raises(InvalidTokenError):
        await SessionOrDelegation(sessions, Delegation(SECRET)).verify(token)
    assert sessions.requested == [token]
