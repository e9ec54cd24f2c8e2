"""The cache of verified tokens."""

import time

import pytest

from shared.access.caller import Identity, InvalidTokenError
from shared.access.verified_tokens import VerifiedTokens


class Counted:
    """A TokenVerifier that counts what it is asked; tokens named `bad…` are refused."""

    def __init__(self, valid_seconds: float = 60) -> None:
        self.requested: list[str] = []
        self.valid_seconds = valid_seconds

    async def verify(self, token: str) -> Identity:
        self.requested.append(token)
        if token.startswith("bad"):
            raise InvalidTokenError
        return Identity(f"user_{token}", time.time() + self.valid_seconds)


async def test_valid_token_is_verified_once() -> None:
    verifier = Counted()
    tokens = VerifiedTokens(verifier)
    assert [(await tokens.verify(each)).clerk_id for each in "aba"] == ["user_a", "user_b", "user_a"]
    assert verifier.requested == ["a", "b"]


async def test_expiry_counts_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Counted(valid_seconds=60)
    tokens = VerifiedTokens(verifier)
    await tokens.verify("a")
    later = time.time() + 61
    monkeypatch.setattr("shared.access.verified_tokens.time.time", lambda: later)
    await tokens.verify("a")
    assert verifier.requested == ["a", "a"]


async def test_refusals_are_not_remembered() -> None:
    verifier = Counted()
    tokens = VerifiedTokens(verifier)
    for _ in range(2):
        with pytest.raises(InvalidTokenError):
            await tokens.verify("bad")
    assert verifier.requested == ["bad", "bad"]


async def test_least_recently_used_tokens_are_forgotten() -> None:
    verifier = Counted()
    tokens = VerifiedTokens(verifier, max_tokens=2)
    for token in "abac":
        await tokens.verify(token)
    verifier.requested.clear()
    await tokens.verify("a")
    await tokens.verify("b")
    assert verifier.requested == ["b"]
