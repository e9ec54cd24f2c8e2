"""Tokens that were verified, remembered until they expire: verifying one costs more than a cached read.

Verification is offline, so nothing that it would have learnt meanwhile is missed. What was refused is not
remembered: the keys may be fetched, and strangers could fill the memory.
"""

import hashlib
import time
from collections import OrderedDict

from shared.access.caller import Identity
from shared.ports import TokenVerifier

MAX_TOKENS = 10_000


class VerifiedTokens:
    """A TokenVerifier that asks another one only about tokens that it does not remember.

    At most `max_tokens` are remembered, those that came last, by their hash.
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
