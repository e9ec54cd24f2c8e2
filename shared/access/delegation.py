"""Acting for a caller in another service, also after their session token has expired.

Session tokens live for a minute, and an upload may take longer. A service that has verified a caller's token
signs one of its own for its calls to the other services: it names the caller and nothing else, so the other
service looks up role and block as usual. It is signed with a key that all services derive from one secret,
Clerk's secret key unless they are given another, and it never leaves them.
"""

import hashlib
import hmac
import time

import jwt

from shared.access.caller import Identity, InvalidTokenError
from shared.ports import TokenVerifier

TYPE = "delegation+jwt"
SECONDS = 3660
"""UPLOAD_DEADLINE of shared/media/cleanup.py, and the minute for which a token is reused."""

_ALGORITHM = "HS256"


class Delegation:
    """Signs tokens for calls to other services, and verifies theirs."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"delegation between services", hashlib.sha256)

    def token_for(self, clerk_id: str) -> str:
        """A token that lets a service act for this person."""
        claims = {"sub": clerk_id, "exp": time.time() + SECONDS}
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": TYPE})

    def verify(self, token: str) -> Identity:
        """Returns the user for whom the sender acts.

        Raises:
            InvalidTokenError: none of our services signed it, or it has expired.
        """
        try:
            claims = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], options={"require": ["sub", "exp"]}
            )
        except jwt.InvalidTokenError as failure:
            raise InvalidTokenError from failure
        return Identity(claims["sub"], float(claims["exp"]))


class SessionOrDelegation:
    """A TokenVerifier for both session tokens and delegation tokens."""

    def __init__(self, sessions: TokenVerifier, delegation: Delegation) -> None:
        self._sessions = sessions
        self._delegation = delegation

    async def verify(self, token: str) -> Identity:
        if is_delegation(token):
            return self._delegation.verify(token)
        return await self._sessions.verify(token)


def is_delegation(token: str) -> bool:
    """Whether the token claims to be signed by a service (not verified here)."""
    try:
        return bool(jwt.get_unverified_header(token).get("typ") == TYPE)
    except jwt.InvalidTokenError:
        return False
