"""Clerk's keys are fetched seldom, and known keys verify tokens during an outage."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from structlog.testing import capture_logs

from shared import metrics
from shared.access.caller import InvalidTokenError
from shared.errors import UnavailableError
from shared.providers import clerk as clerk_module
from shared.providers.clerk import ClerkTokenVerifier, open_clerk, open_keys, token_verifier
from shared.settings import ServiceSettings
from tests.shared.canned_server import UNUSABLE, canned_server, http_response

ISSUER_HOST = "clerk.example.test"
ORIGIN = "http://localhost:5173"
HANGING_SECONDS = 2.0
"""For the responses that never come; the first fetch has to succeed within it."""


class SigningKey:
    """A key pair of the Clerk instance."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.private: RSAPrivateKey = generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "alg": "RS256", "use": "sig"}

    def token(
        self, subject: str = "user_ada", issuer: str = f"https://{ISSUER_HOST}", party: object = ORIGIN
    ) -> str:
        moment = int(time.time())
        claims: dict[str, object] = {"sub": subject, "sid": "sess_1", "iss": issuer}
        if party is not None:
            claims["azp"] = party
        claims |= {"jti": secrets.token_hex(8)}
        times = {"iat": moment - 1, "nbf": moment - 1, "exp": moment + 60}
        return jwt.encode({**claims, **times}, self.private, "RS256", {"kid": self.key_id})


KEYS = [SigningKey("ins_first"), SigningKey("ins_second")]


def jwks(*keys: dict[str, Any]) -> bytes:
    return http_response(200, json.dumps({"keys": keys}).encode())


@asynccontextmanager
async def verifier_at(
    url: str, min_gap_seconds: float = 3600, **changes: Any
) -> AsyncIterator[ClerkTokenVerifier]:
    settings = ServiceSettings(
        port=0,
        redis_url="redis://127.0.0.1:1/0",
        clerk_secret_key=f"sk_test_{secrets.token_hex(16)}",
        clerk_publishable_key="pk_test_" + base64.b64encode(f"{ISSUER_HOST}$".encode()).decode(),
        clerk_api_url=url,
        frontend_origins=ORIGIN,
        **{"provider_timeout_seconds": 30, **changes},
    )
    async with open_clerk(settings) as clerk, open_keys(clerk, min_gap_seconds) as keys:
        yield token_verifier(keys, settings)


async def refused(verifier: ClerkTokenVerifier, tokens: Sequence[str]) -> int:
    outcomes = await asyncio.gather(*(verifier.verify(token) for token in tokens), return_exceptions=True)
    return sum(isinstance(outcome, InvalidTokenError) for outcome in outcomes)


async def test_failed_jwks_fetch_is_counted() -> None:
    before = failed_calls()
    async with canned_server(jwks()) as clerk, verifier_at(clerk.url) as verifier:
        with pytest.raises(UnavailableError):
            await verifier.verify(KEYS[0].token())
    assert failed_calls() == before + 1


def failed_calls() -> float:
    labels = {"dependency": "clerk", "outcome": "failed"}
    return metrics.REGISTRY.get_sample_value("dependency_calls_total", labels) or 0


async def test_concurrent_tokens_share_one_jwks_fetch() -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        found = await asyncio.gather(*(verifier.verify(KEYS[0].token(f"user_{n}")) for n in range(20)))
        assert [each.clerk_id for each in found] == [f"user_{n}" for n in range(20)]
        assert len(clerk.requests) == 1


async def test_unknown_key_ids_cause_no_repeated_fetches() -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        await verifier.verify(KEYS[0].token())
        invented = []
        for number in range(50):
            KEYS[1].key_id = f"ins_invented_{number}"
            invented.append(KEYS[1].token())
        assert await refused(verifier, invented) == 50
        assert len(clerk.requests) == 1
        assert (await verifier.verify(KEYS[0].token("user_bea"))).clerk_id == "user_bea"


async def test_log_names_refused_origins_of_signed_tokens_only() -> None:
    forger = SigningKey(KEYS[0].key_id)
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        with capture_logs() as logged:
            assert await refused(verifier, [KEYS[0].token(party="http://localhost:5174")]) == 1
            assert await refused(verifier, [forger.token(party="http://made-up.test")]) == 1
    assert [each.get("party") for each in logged] == ["http://localhost:5174", None]
    assert "made-up" not in str(logged)


async def test_log_names_invalid_claims_of_signed_tokens() -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        with capture_logs() as logged:
            assert await refused(verifier, [KEYS[0].token(subject="", issuer="https://other.test")]) == 1
    assert [each["claims"] for each in logged] == [["sub", "iss"]]


async def test_bad_signatures_cause_no_jwks_fetch() -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        await verifier.verify(KEYS[0].token())
        KEYS[1].key_id = KEYS[0].key_id
        assert await refused(verifier, [KEYS[1].token() for _ in range(20)]) == 20
        assert len(clerk.requests) == 1


async def test_key_rotation_accepts_new_and_refuses_withdrawn_keys() -> None:
    KEYS[1].key_id = "ins_second"
    async with canned_server(jwks(KEYS[0].jwk())) as clerk, verifier_at(clerk.url, 0) as verifier:
        await verifier.verify(KEYS[0].token())
        clerk.response = jwks(KEYS[1].jwk())
        assert (await verifier.verify(KEYS[1].token("user_new"))).clerk_id == "user_new"
        assert await refused(verifier, [KEYS[0].token()]) == 1


@pytest.mark.parametrize("odd", UNUSABLE)
async def test_known_keys_still_verify_while_clerk_fails(odd: str) -> None:
    KEYS[1].key_id = "ins_second"
    clerk_now = canned_server(jwks(KEYS[0].jwk()))
    changes = {"provider_timeout_seconds": HANGING_SECONDS} if UNUSABLE[odd] is None else {}
    async with asyncio.timeout(60), clerk_now as clerk, verifier_at(clerk.url, 0, **changes) as verifier:
        await verifier.verify(KEYS[0].token())
        clerk.response = UNUSABLE[odd]
        with pytest.raises(UnavailableError, match=r"^Sessions cannot be verified now; try again later$"):
            await verifier.verify(KEYS[1].token())
        assert (await verifier.verify(KEYS[0].token("user_bea"))).clerk_id == "user_bea"


@pytest.mark.parametrize(
    "bad",
    [{"n": "%%%"}, {"n": ""}, {"e": "AA"}, {"kty": "EC"}, {"kty": "oct"}, {"n": None}, {"kid": None}],
    ids=str,
)
async def test_unusable_key_does_not_affect_the_others(bad: dict[str, Any]) -> None:
    spoilt = {**SigningKey("ins_bad").jwk(), **bad}
    async with canned_server(jwks(spoilt, KEYS[0].jwk())) as clerk, verifier_at(clerk.url) as verifier:
        assert (await verifier.verify(KEYS[0].token())).clerk_id == "user_ada"
        assert len(clerk.requests) == 1


async def test_hanging_clerk_delays_only_the_first_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the keys are old and Clerk cannot say whether they still hold."""
    clerk_now = canned_server(jwks(KEYS[0].jwk()))
    changes = {"provider_timeout_seconds": HANGING_SECONDS}
    async with asyncio.timeout(60), clerk_now as clerk, verifier_at(clerk.url, 0, **changes) as verifier:
        await verifier.verify(KEYS[0].token())
        monkeypatch.setattr(clerk_module, "MAX_AGE_SECONDS", 0.0)
        clerk.response = None
        found = await asyncio.gather(*(verifier.verify(KEYS[0].token(f"user_{n}")) for n in range(30)))
        assert len(found) == 30
        requested = len(clerk.requests)
        for number in range(30):
            await verifier.verify(KEYS[0].token(f"user_later_{number}"))
        assert len(clerk.requests) <= requested + 1
        clerk.response = jwks(KEYS[1].jwk())
        while await refused(verifier, [KEYS[0].token()]) == 0:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)


async def test_old_keys_verify_during_one_background_refresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with asyncio.timeout(30), canned_server(jwks(KEYS[0].jwk())) as clerk:
        before = asyncio.all_tasks()
        async with verifier_at(clerk.url, 0, provider_timeout_seconds=60) as verifier:
            await verifier.verify(KEYS[0].token())
            monkeypatch.setattr(clerk_module, "MAX_AGE_SECONDS", 0.0)
            clerk.response = None
            for number in range(30):
                await verifier.verify(KEYS[0].token(f"user_{number}"))
            while len(clerk.requests) < 2:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.01)
            found = await asyncio.gather(*(verifier.verify(KEYS[0].token(f"user_2_{n}")) for n in range(30)))
            assert len(found) == 30
            assert len(clerk.requests) == 2
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.01)


async def test_only_configured_issuers_are_accepted() -> None:
    own, proxy, satellite = (
        f"https://{ISSUER_HOST}",
        "https://app.test/__clerk",
        "https://clerk.satellite.test",
    )
    of = KEYS[0].token
    async with canned_server(jwks(KEYS[0].jwk())) as clerk:
        async with verifier_at(clerk.url) as verifier:
            assert (await verifier.verify(of("user_own", own))).clerk_id == "user_own"
            assert await refused(verifier, [of(issuer=each) for each in (proxy, f"{own}/", "")]) == 3
        async with verifier_at(clerk.url, clerk_issuer=f"{proxy}/, {satellite}") as verifier:
            for issuer in (proxy, satellite):
                assert (await verifier.verify(of(issuer=issuer))).clerk_id == "user_ada"
            assert (
                await refused(verifier, [of(issuer=each) for each in (own, f"{proxy}/", "https://x.test")])
                == 3
            )


async def test_configured_key_needs_no_jwks_fetch() -> None:
    pem = KEYS[0].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for written in (pem, pem.replace("\n", "\\n")):
        async with canned_server(b"") as clerk, verifier_at(clerk.url, clerk_jwt_key=written) as verifier:
            assert (await verifier.verify(KEYS[0].token())).clerk_id == "user_ada"
            assert clerk.requests == []


@pytest.mark.parametrize("party", [None, ""])
async def test_token_without_authorized_party_is_accepted(party: str | None) -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as server, verifier_at(server.url) as verifier:
        assert (await verifier.verify(KEYS[0].token(party=party))).clerk_id == "user_ada"


async def test_token_without_party_needs_issuer_and_signature() -> None:
    forger = SigningKey(KEYS[0].key_id)
    async with canned_server(jwks(KEYS[0].jwk())) as server, verifier_at(server.url) as verifier:
        bad = [KEYS[0].token(party=None, issuer="https://clerk.example.org"), forger.token(party=None)]
        assert await refused(verifier, bad) == 2


@pytest.mark.parametrize("party", ["http://localhost:5174", [ORIGIN], {"azp": ORIGIN}, 7, True])
async def test_token_for_another_party_is_refused(party: object) -> None:
    async with canned_server(jwks(KEYS[0].jwk())) as server, verifier_at(server.url) as verifier:
        assert await refused(verifier, [KEYS[0].token(party=party)]) == 1
