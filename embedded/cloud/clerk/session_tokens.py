"""Session tokens as Clerk issues them (version 2), and the key that signs them."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from embedded.cloud.clerk.accounts import new_id

KEY_BITS = 2048
NOT_BEFORE_MARGIN = timedelta(seconds=10)


class SigningKey:
    """An RSA key whose id is derived from it, so that the same key has the same `kid` after every restart."""

    def __init__(self, private_key: RSAPrivateKey) -> None:
        self._private_key = private_key
        public = private_key.public_key()
        digest = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        self.key_id = f"ins_{digest.hexdigest()[:27]}"

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKey":
        """Reads the PEM file, or makes it, readable by its owner alone. Blocks: a new key takes a moment."""
        if path.exists():
            private_key = load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(private_key, RSAPrivateKey):
                raise ValueError(f"{path} is not an RSA key")
            return cls(private_key)
        private_key = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return cls(private_key)

    def jwk(self) -> dict[str, str]:
        """The public half, as an entry of `/v1/jwks`."""
        key: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._private_key.public_key()))
        return {"use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256", "n": key["n"], "e": key["e"]}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._private_key, algorithm="RS256", headers={"kid": self.key_id})


def session_claims(
    *, subject: str, issuer: str, authorized_party: str, now: datetime, lifetime: timedelta
) -> dict[str, Any]:
    """The claims of a version 2 session token without an organisation.

    `fva` is how many minutes ago the first and the second factor were checked; -1 is never.
    """
    return {
        "azp": authorized_party,
        "exp": int((now + lifetime).timestamp()),
        "fva": [0, -1],
        "iat": int(now.timestamp()),
        "iss": issuer,
        "jti": hashlib.sha256(new_id("jti").encode()).hexdigest()[:20],
        "nbf": int((now - NOT_BEFORE_MARGIN).timestamp()),
        "sid": new_id("sess"),
        "sts": "active",
        "sub": subject,
        "v": 2,
    }


def utc_now() -> datetime:
    """Whole seconds, as a token counts them."""
    return datetime.now(UTC).replace(microsecond=0)
