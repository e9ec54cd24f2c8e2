"""Tokens by which a service calls another one in its own name, for background work.

Delegation tokens (delegation.py) act for a user and end with the account. These name the calling service,
live for a minute, and are accepted by internal routes only, which the gateway does not forward.
"""

import hashlib
import hmac
import time

import jwt

from shared.access.caller import InvalidTokenError

TYPE = "service+jwt"
SECONDS = 60

_ALGORITHM = "HS256"


class ServiceTokens:
    """Signs and verifies service tokens with a key that all services derive from one secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"calls between services", hashlib.sha256)

    def token_for(self, service: str) -> str:
        """A token for one call of `service`."""
        claims = {"sub": service, "exp": time.time() + SECONDS}
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": TYPE})

    def verify(self, token: str) -> str:
        """Returns the name of the service that signed it.

        Raises:
            InvalidTokenError: none of our services signed it, or it has expired.
        """
        try:
            if jwt.get_unverified_header(token).get("typ") != TYPE:
                raise InvalidTokenError
            claims = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], options={"require": ["sub", "exp"]}
            )
        except jwt.InvalidTokenError as failure:
            raise InvalidTokenError from failure
        return str(claims["sub"])
