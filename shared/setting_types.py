"""Types of settings whose text is checked when it is read. No error says any part of the value."""

import re
import warnings
from typing import Annotated, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from shared.cache.redis_url import parse_redis_url

_HOST: Final = r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
_ORIGIN: Final = re.compile(rf"https?://{_HOST}", re.IGNORECASE)
_BASE_URL: Final = re.compile(rf"https?://{_HOST}(/[^\s?#]*)?", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s;]+@[^@\s;]+")

# The keys that Clerk issues have 50 characters.
_SECRET_KEY: Final = re.compile(r"sk_[!-~]{37,}")
_MISTAKEN_KEYS: Final = {
    "pk_": "is a publishable key, which is public",
    "whsec_": "is the signing secret of webhooks",
    "-----BEGIN": "is a PEM key",
    "sk_": "is too short or contains spaces",
}

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
Port = Annotated[int, Field(ge=1, le=65535)]


def split_commas(given: object) -> object:
    """`a, b,` as `("a", "b")`; anything but text as it is."""
    if isinstance(given, str):
        return tuple(part.strip().rstrip("/") for part in given.split(",") if part.strip())
    return given


def _matches(pattern: re.Pattern[str], url: str) -> bool:
    found = pattern.fullmatch(url)
    return found is not None and 1 <= int(found["port"] or 80) <= 65535


def _are_origins(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        raise ValueError("names no origin")
    for origin in given:
        if not _matches(_ORIGIN, origin):
            raise ValueError("each origin is scheme://host or scheme://host:port")
        if origin != origin.lower():
            raise ValueError("each origin is written as browsers send it, in lower case")
    return given


Origins = Annotated[CommaSeparated, BeforeValidator(split_commas), AfterValidator(_are_origins)]
"""Origins of front ends, comma-separated; at least one."""


def _server_url(given: str) -> str:
    url = given.rstrip("/")
    if not _matches(_ORIGIN, url):
        raise ValueError("must be http://host:port or https://host:port, without a path")
    return url


ServerUrl = Annotated[str, AfterValidator(_server_url)]
"""The address of a server of which nothing but scheme, host and port are used."""


def _base_url(given: str) -> str:
    url = given.rstrip("/")
    if not _matches(_BASE_URL, url):
        raise ValueError("must be an absolute URL, http://… or https://…, without query and credentials")
    return url


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""What paths of an API are appended to."""


def _are_issuers(given: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_matches(_BASE_URL, each) for each in given):
        raise ValueError("must be URLs, as in the tokens' iss: https://…")
    return given


Issuers = Annotated[CommaSeparated, BeforeValidator(split_commas), AfterValidator(_are_issuers)]
"""Issuers of tokens, comma-separated."""


def _split_emails(given: object) -> object:
    return split_commas(given.lower() if isinstance(given, str) else given)


def _are_emails(given: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_EMAIL.fullmatch(each) for each in given):
        raise ValueError("each entry is one e-mail address, name@host, and commas separate entries")
    return given


EmailAddresses = Annotated[CommaSeparated, BeforeValidator(_split_emails), AfterValidator(_are_emails)]
"""E-mail addresses, comma-separated; in lower case."""


def _clerk_secret_key(given: SecretStr) -> SecretStr:
    key = given.get_secret_value()
    if not _SECRET_KEY.fullmatch(key):
        mistakes = (text for prefix, text in _MISTAKEN_KEYS.items() if key.startswith(prefix))
        mistake = next(mistakes, "has another form")
        raise ValueError(f"must be Clerk's secret key, sk_test_… or sk_live_…; the value given {mistake}")
    return given


ClerkSecretKey = Annotated[SecretStr, AfterValidator(_clerk_secret_key)]
"""Clerk's backend API key. Tokens are signed with it, so it must not be a value that others can guess."""


def _clerk_jwt_key(given: SecretStr) -> SecretStr:
    pem = given.get_secret_value().replace("\\n", "\n")
    try:
        # Clerk's SDK reads the key like this, without line breaks.
        key = load_pem_public_key(re.sub(r"[\r\n]", "", pem).encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a public key in PEM, -----BEGIN PUBLIC KEY-----…") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("must be an RSA public key: Clerk signs with RS256")
    return SecretStr(pem)


ClerkJwtKey = Annotated[SecretStr, AfterValidator(_clerk_jwt_key)]
"""An RSA public key in PEM. Line breaks may be written as the two characters `\\n`."""


def _redis_url(given: SecretStr) -> SecretStr:
    parse_redis_url(given.get_secret_value())
    return given


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
"""A URL that shared/cache/redis_client.py accepts."""


def _mongodb_uri(given: SecretStr) -> SecretStr:
    check_mongodb_uri(given.get_secret_value())
    return given


MongodbUri = Annotated[SecretStr, AfterValidator(_mongodb_uri)]
"""A connection string of MongoDB."""


def check_mongodb_uri(uri: str) -> None:
    """Raises ValueError where the driver would. Looks up no host name."""
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import parse_uri, split_options  # not at the top: the gateway has no database

    scheme, _, rest = uri.partition("://")
    if scheme not in ("mongodb", "mongodb+srv"):
        raise ValueError("must be mongodb://… or mongodb+srv://…")
    try:
        with warnings.catch_warnings(action="ignore"):  # the driver gives them again
            if scheme == "mongodb":
                parse_uri(uri, warn=True)
                return
            # parse_uri would look up the host.
            address, _, options = rest.partition("?")
            ((_, port),) = parse_uri(f"mongodb://{address}", default_port=None)["nodelist"]
            if options:
                split_options(options, warn=True)
        if port is not None:
            raise ValueError
    except (PyMongoError, ValueError):
        raise ValueError(
            "is not a connection string of MongoDB, mongodb://host:27017/ or mongodb+srv://host/; special "
            "characters of user name and password have to be percent-encoded"
        ) from None
