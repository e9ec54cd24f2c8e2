"""A cache of verified tokens, until they expire: verifying one costs more than a cached read.

Verification is offline, so a cached result is as current as a new one. Refusals are not cached: the signing
keys may arrive later, and clients could fill the cache with forged tokens.
"""

import hashlib
import time
from collections import OrderedDict

from shared.access.caller import Identity
from shared.ports import TokenVerifier

MAX_TOKENS = 10_000


class VerifiedTokens:
    """A TokenVerifier that calls another one only for tokens that it has not cached.

    Holds the `max_tokens` most recent ones, by their hash.
    """

    def __init__(self, verifier: TokenVerifier, max_tokens: int = MAX_TOKENS) -> None:
        self._verifier = verifier
        self._max_tokens = max_tokens
        self._identities: OrderedDict[bytes, Identity] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        digest = hashlib.sha256(token.encode()).digest()
        identity = self._identities.get(digest)
        if identity is not None:
            if identity.expires_at > time.time():
                self._identities.move_to_end(digest)
                return identity
            del self._identities[digest]
        identity = await self._verifier.verify(token)
        self._identities[digest] = identity
        if len(self._identities) > self._max_tokens:
            self._identities.popitem(last=False)
        return identity
