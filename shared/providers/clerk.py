"""Clerk: verifies session tokens and reads user records. The only importer of its SDK.

The SDK omits important checks, and fetches keys whenever a client sends an unknown key id. So keys are cached
here, fetched through the SDK's client at a limited rate, and every claim that we rely on is checked.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import httpx
import jwt
import structlog
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import (
    TokenVerificationError,
    VerifyTokenOptions,
    verify_token,
)
from clerk_backend_api.utils import BackoffStrategy, RetryConfig
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from shared.access.caller import Identity, InvalidTokenError
from shared.errors import UnavailableError
from shared.http.pooled_transport import PooledTransport
from shared.providers.counted_calls import CountedCalls
from shared.settings import ServiceSettings

MIN_GAP_SECONDS = 10.0
"""The minimum interval of key fetches, so that tokens with forged key ids cannot cause many calls to Clerk.
"""

MAX_AGE_SECONDS = 3600.0
"""The maximum age of cached keys, so that a revoked one is dropped."""

ClerkClient: TypeAlias = Clerk

_counted = CountedCalls("clerk")

log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def open_clerk(settings: ServiceSettings) -> AsyncIterator[Clerk]:
    """The SDK's client with bounded timeouts and retries: by default it retries for an hour.

    Clerk need not be reachable yet.
    """
    timeout_seconds = settings.provider_timeout_seconds
    retries = RetryConfig("backoff", BackoffStrategy(100, 500, 1.5, 1000), retry_connection_errors=True)
    timeout_ms = round(timeout_seconds * 1000)
    transport = PooledTransport(settings.clerk_api_url, connect_seconds=timeout_seconds)
    async with (
        httpx.AsyncClient(
            timeout=timeout_seconds, transport=transport, follow_redirects=False, trust_env=False
        ) as http,
        Clerk(
            bearer_auth=settings.clerk_secret_key.get_secret_value(),
            server_url=f"{settings.clerk_api_url.rstrip('/')}/v1",
            async_client=http,
            retry_config=retries,
            timeout_ms=timeout_ms,
        ) as clerk,
    ):
        yield clerk


@asynccontextmanager
async def open_keys(clerk: Clerk, min_gap_seconds: float = MIN_GAP_SECONDS) -> AsyncIterator["ClerkKeys"]:
    """The keys, fetched on first use; a pending fetch is cancelled at the end."""
    keys = ClerkKeys(clerk, min_gap_seconds)
    try:
        yield keys
    finally:
        await keys.close()


class ClerkKeys:
    """The public keys of the Clerk instance, by key id, as PEM. Closed by `open_keys`."""

    def __init__(self, clerk: Clerk, min_gap_seconds: float) -> None:
        self._clerk = clerk
        self._min_gap_seconds = min_gap_seconds
        self._keys: Mapping[str, str] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._last_try_failed = False
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> str | None:
        """The key; None when Clerk has no such key. Only a key that is not cached is waited for.

        Raises:
            UnavailableError: it is not cached, and keys cannot be fetched now.
        """
        found = self._keys.get(key_id)
        if found is not None:
            if time.monotonic() - self._fetched_at > MAX_AGE_SECONDS:
                self._begin_renewal(key_id)
            return found
        await self._refresh(key_id)
        found = self._keys.get(key_id)
        if found is None and self._last_try_failed:
            raise _no_keys()
        return found

    async def close(self) -> None:
        """Cancel a pending fetch."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    def _begin_renewal(self, key_id: str) -> None:
        """Refresh cached keys, unless a refresh is running."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(key_id))

    async def _renew(self, key_id: str) -> None:
        try:
            await self._refresh(key_id)
        except Exception:  # no caller waits for this task
            log.exception("keys not fetched")

    async def ping(self) -> bool:
        """Whether Clerk responds and accepts the credentials."""
        await self._clerk.jwks.get_jwks_async()
        return True

    async def _refresh(self, key_id: str) -> None:
        started_at = time.monotonic()
        async with self._lock:
            if self._fetched_at > started_at and key_id in self._keys:
                return
            if self._tried_at > started_at or time.monotonic() - self._tried_at < self._min_gap_seconds:
                return
            self._tried_at = time.monotonic()
            self._last_try_failed = True
            with suppress(UnavailableError):
                self._keys = await self._fetch()
                self._fetched_at, self._last_try_failed = time.monotonic(), False

    @_counted
    async def _fetch(self) -> Mapping[str, str]:
        """Returns at least one key.

        Raises:
            UnavailableError: Clerk cannot be reached, fails, or returns no usable key.
        """
        try:
            response = await self._clerk.jwks.get_jwks_async()
        except (models.ClerkBaseError, httpx.HTTPError) as failure:
            log.warning("keys not fetched", error=type(failure).__name__)
            raise _no_keys() from failure
        keys = _pem_by_id([key.model_dump(by_alias=True) for key in response.keys or ()])
        if not keys:
            log.warning("keys not fetched", error="no usable key in the response")
            raise _no_keys()
        return keys


def _no_keys() -> UnavailableError:
    return UnavailableError("Sessions cannot be verified now; try again later")


def _pem_by_id(keys: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The usable keys."""
    found = {}
    for key in keys:
        if key.get("kty") != "RSA":
            continue
        try:
            key_id = str(key["kid"])
            public = RSAAlgorithm.from_jwk({name: value for name, value in key.items() if value is not None})
        except (jwt.InvalidKeyError, KeyError, TypeError, ValueError) as failure:
            log.warning("key not usable", error=type(failure).__name__)
            continue
        if isinstance(public, RSAPublicKey):
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            found[key_id] = pem.decode()
    return found


class ClerkTokenVerifier:
    """Implements TokenVerifier: offline except for fetching keys, which `CLERK_JWT_KEY` avoids."""

    def __init__(
        self, keys: ClerkKeys, issuers: Set[str], authorized_parties: Sequence[str], jwt_key: str | None
    ) -> None:
        self._keys = keys
        self._issuers = issuers
        self._parties = frozenset(authorized_parties)
        self._jwt_key = jwt_key

    async def verify(self, token: str) -> Identity:
        claims = await self._claims(token)
        identity = _identity_of(claims, self._issuers)
        _check_party(claims, self._parties)
        return identity

    async def _claims(self, token: str) -> Mapping[str, Any]:
        if token.count(".") != 2:
            raise InvalidTokenError  # the SDK would send other kinds of token to Clerk to ask about them
        key = self._jwt_key or await self._key_of(token)
        try:
            return verify_token(token, VerifyTokenOptions(jwt_key=key))
        except TokenVerificationError as failure:
            log.info("token refused", reason=failure.reason.name)
            raise InvalidTokenError from failure

    async def _key_of(self, token: str) -> str:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as failure:
            raise InvalidTokenError from failure
        key = await self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            log.info("token refused", reason="unknown key")
            raise InvalidTokenError
        return key


def _check_party(claims: Mapping[str, Any], parties: Set[str]) -> None:
    """Check the origin that the token was issued for. Clerk leaves it out for native apps and some browser
    sessions; the SDK would refuse these.

    Raises:
        InvalidTokenError: it is not allowed; logged, because FRONTEND_ORIGINS may lack it.
    """
    party = claims.get("azp")
    if party and not (isinstance(party, str) and party in parties):
        log.info("token refused", reason="TOKEN_INVALID_AUTHORIZED_PARTIES", party=party)
        raise InvalidTokenError


def _identity_of(claims: Mapping[str, Any], issuers: Set[str]) -> Identity:
    """Check what the SDK does not: an expiry, a subject, the issuer, and an active session."""
    subject, expiry, issuer = claims.get("sub"), claims.get("exp"), claims.get("iss")
    is_valid = {
        "sub": isinstance(subject, str) and bool(subject),
        "exp": isinstance(expiry, int | float),
        "iss": isinstance(issuer, str) and issuer in issuers,
        "sid": isinstance(claims.get("sid"), str),
        "sts": claims.get("sts", "active") == "active",
    }
    if not all(is_valid.values()):
        invalid = [name for name, is_right in is_valid.items() if not is_right]
        log.info("token refused", reason="claims", claims=invalid)
        raise InvalidTokenError
    return Identity(claims["sub"], float(claims["exp"]))


def token_verifier(keys: ClerkKeys, settings: ServiceSettings) -> ClerkTokenVerifier:
    """The verifier for `settings`."""
    jwt_key = settings.clerk_jwt_key.get_secret_value() if settings.clerk_jwt_key else None
    return ClerkTokenVerifier(keys, settings.clerk_issuers, settings.frontend_origins, jwt_key)
