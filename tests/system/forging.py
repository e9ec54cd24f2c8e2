"""Session tokens that must be refused, some signed with the very key of the running local Clerk."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from embedded.cloud.clerk.session_tokens import SigningKey, session_claims, utc_now
from shared.settings import issuer_of
from tests.system.running import RunningSystem

ORIGIN = "http://localhost:5173"


def encoded(part: object) -> str:
    """A part of a token: JSON, or bytes as they are, in base64 for addresses."""
    plain = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


class Forger:
    """Makes tokens for the person `subject` of a running system."""

    def __init__(self, system: RunningSystem, subject: str) -> None:
        installation = json.loads((system.data_dir / "installation.json").read_text())
        self.key = SigningKey.load_or_create(system.data_dir / "cloud" / "clerk" / "signing-key.pem")
        self._claims = session_claims(
            subject=subject,
            issuer=issuer_of(installation["clerk_publishable_key"]),
            authorized_party=ORIGIN,
            now=utc_now(),
            lifetime=timedelta(minutes=5),
        )

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of a good token, but for `changed`; None leaves one out."""
        return {name: value for name, value in {**self._claims, **changed}.items() if value is not None}

    def signed(self, **changed: Any) -> str:
        """Signed as Clerk does it."""
        return self.key.sign(self.claims(**changed))

    def bad_tokens(self) -> dict[str, str]:
        """What is wrong, and the token."""
        now = int(utc_now().timestamp())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key.key_id}
        other_key = generate_private_key(public_exponent=65537, key_size=2048)
        public_pem = self._public_pem()
        good_header, good_payload, good_signature = self.signed().split(".")
        none = f"{encoded({**header, 'alg': 'none'})}.{good_payload}."
        escalated = encoded(self.claims(sub="user_somebodyelse"))
        return {
            "expired": self.signed(exp=now - 60),
            "expired an hour ago": self.signed(exp=now - 3600, iat=now - 3700),
            "not yet good": self.signed(nbf=now + 3600),
            "issued in the future": self.signed(iat=now + 3600),
            "signed with another key": jwt.encode(
                self.claims(), other_key, "RS256", {"kid": self.key.key_id}
            ),
            "signed with an unknown key": jwt.encode(
                self.claims(), other_key, "RS256", {"kid": "ins_unknown"}
            ),
            "without a key id": jwt.encode(self.claims(), other_key, "RS256"),
            "alg none": none,
            "alg none with a signature": f"{none}{good_signature}",
            "alg None": f"{encoded({**header, 'alg': 'None'})}.{good_payload}.",
            "HS256 with the public key as the secret": _hmac_token(header, self.claims(), public_pem),
            "another's subject under a good signature": f"{good_header}.{escalated}.{good_signature}",
            "signature cut off": f"{good_header}.{good_payload}.",
            "signature cut short": f"{good_header}.{good_payload}.{good_signature[:-10]}",
            "wrong issuer": self.signed(iss="https://clerk.example.org"),
            "no issuer": self.signed(iss=None),
            "wrong party": self.signed(azp="https://evil.example.org"),
            "party that is no text": self.signed(azp=[ORIGIN]),
            "no expiry": self.signed(exp=None),
            "expiry that is no number": self.signed(exp="tomorrow"),
            "no subject": self.signed(sub=None),
            "empty subject": self.signed(sub=""),
            "subject that is no text": self.signed(sub=["user_a"]),
            "no session": self.signed(sid=None),
            "session that is no text": self.signed(sid=7),
            "pending session": self.signed(sts="pending"),
            "for an audience": self.signed(aud="https://other.example.org"),
            "claims that are a list": f"{good_header}.{encoded([])}.{good_signature}",
            "header that nests too deep": f"{encoded(b'[' * 6000)}.{good_payload}.{good_signature}",
            "key id that is no text": f"{encoded({**header, 'kid': {'$gt': ''}})}.{good_payload}.x",
            "not a token": "hello",
            "two dots": "..",
            "three dots": "a.b.c.d",
            "an API key": "ak_0123456789",
            "an OAuth token": "oat_0123456789",
            "a machine's token": "m2m_0123456789",
            "not ASCII": "é.é.é",
        }

    def _public_pem(self) -> bytes:
        jwk = {name: value for name, value in self.key.jwk().items() if name in ("kty", "n", "e")}
        key = jwt.PyJWK.from_dict({**jwk, "alg": "RS256"}).key
        pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem


def _hmac_token(header: dict[str, str], claims: dict[str, Any], secret: bytes) -> str:
    """By hand, because libraries refuse to make it."""
    signed = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
