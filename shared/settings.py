"""Settings from the environment: typed, frozen, built once at the start of a process.

A setting that is missing, malformed or still a placeholder stops the start; all of them are named at once.
What is not in the environment may be in files: the folder that SETTINGS_DIR names, each setting in a file of
its name, as Kubernetes and Docker mount secrets.
"""

import base64
import binascii
import os
import sys
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.setting_types import (
    BaseUrl,
    ClerkJwtKey,
    ClerkSecretKey,
    Issuers,
    MongodbUri,
    Origins,
    Port,
    RedisUrl,
    ServerUrl,
)

AnySettings = TypeVar("AnySettings", bound="ProcessSettings")

PLACEHOLDER = "CHANGE_ME"
_STILL_A_PLACEHOLDER = f"still holds the placeholder {PLACEHOLDER}"
FOLDER = "SETTINGS_DIR"


class EnvironmentSettings(BaseSettings):
    """How settings are read. All settings derive from this: with several bases the last one's configuration
    applies.

    Where a ValidationError is printed otherwise than by `explain`, it shows no values either.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, given: dict[str, object]) -> dict[str, object]:
        """An empty file means the default, as an empty variable does."""
        return {name: value for name, value in given.items() if value != ""}


class ProcessSettings(EnvironmentSettings):
    """The settings of every process."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container")
    port: int = Field(ge=0, le=65535, description="Port to listen on")
    workers: int = Field(1, ge=1, le=32, description="Processes that share the port")
    metrics_port: Port | None = Field(
        None, description="Port for Prometheus metrics, another than PORT; off when empty"
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="OTLP/HTTP receiver of spans: http://host:4318; no tracing when empty",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Lowest level that is logged"
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        le=300,
        description="After SIGTERM: seconds of 503 at /readyz before the listening socket closes",
    )
    shutdown_seconds: int = Field(
        1100, ge=1, description="After that: how long requests in flight may take to finish"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_placeholders(cls, given: object) -> object:
        if PLACEHOLDER in str(given):
            raise ValueError(_STILL_A_PLACEHOLDER)
        if isinstance(given, str) and given.isspace():
            raise ValueError("must not be blank")
        return given

    @field_validator("metrics_port")
    @classmethod
    def _differs_from_port(cls, given: int | None, others: ValidationInfo) -> int | None:
        if given is not None and given == others.data.get("port"):
            raise ValueError("must be another port than PORT")
        return given


class CacheSettings(EnvironmentSettings):
    """The settings of the cache."""

    redis_url: RedisUrl = Field(
        description="For caching: redis://host:6379/0, redis+sentinel://host:26379,host:26379/name/0 "
        "or redis+cluster://host:6379,host:6379; rediss, rediss+sentinel and rediss+cluster with TLS"
    )
    cache_timeout_seconds: float = Field(0.1, gt=0, description="A slower response of Redis counts as a miss")
    cache_memory_bytes: int = Field(
        32 * 1024 * 1024, ge=0, description="Most memory of a process for cached responses"
    )


class ServiceSettings(ProcessSettings, CacheSettings):
    """The settings of the user, song and album service."""

    clerk_secret_key: ClerkSecretKey = Field(description="Clerk's backend API key, sk_…")
    delegation_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Signs calls between services; else CLERK_SECRET_KEY",
    )
    clerk_publishable_key: str = Field(description="Clerk's publishable key, pk_…: names the token issuer")
    clerk_jwt_key: ClerkJwtKey | None = Field(
        None, description="Clerk's PEM public key, to verify tokens offline; else its JWKS is fetched"
    )
    clerk_issuer: Issuers = Field(
        (),
        description="Issuers of Clerk's tokens, comma-separated: for an instance behind a proxy URL or with "
        "satellite domains; else derived from the publishable key",
    )
    clerk_api_url: BaseUrl = Field("https://api.clerk.com", description="Clerk's backend API")
    frontend_origins: Origins = Field(
        description="Origins of the front ends, comma-separated: tokens issued for another are refused"
    )
    provider_probe_seconds: float = Field(
        60,
        ge=0,
        description="How long /health caches the result of a provider's probe: providers limit calls",
    )
    provider_timeout_seconds: float = Field(3, gt=0, description="Timeout of one request to Clerk")
    whole_list_limit: int = Field(1000, ge=1, le=10000, description="Longest list returned without `limit`")

    @field_validator("clerk_publishable_key")
    @classmethod
    def _names_an_issuer(cls, given: str) -> str:
        issuer_of(given)
        return given

    @property
    def signing_secret(self) -> str:
        """The key of delegation and service tokens."""
        return (self.delegation_secret or self.clerk_secret_key).get_secret_value()

    @property
    def clerk_issuers(self) -> frozenset[str]:
        """The accepted issuers of session tokens."""
        return frozenset(self.clerk_issuer) or frozenset({issuer_of(self.clerk_publishable_key)})


class MongoSettings(EnvironmentSettings):
    """The address of the service's MongoDB."""

    mongodb_uri: MongodbUri = Field(
        description="The service's own MongoDB: mongodb://host:27017/?replicaSet=rs0"
    )


class MediaSettings(EnvironmentSettings):
    """The settings of the media store."""

    cloudinary_cloud_name: str = Field(description="Cloudinary's cloud name")
    cloudinary_api_key: str = Field(description="Cloudinary's API key")
    cloudinary_api_secret: SecretStr = Field(description="Cloudinary's API secret")
    cloudinary_api_url: BaseUrl = Field(
        "https://api.cloudinary.com", description="Cloudinary's upload and admin API"
    )
    cloudinary_delivery_url: ServerUrl = Field(
        "https://res.cloudinary.com", description="The address from which listeners fetch media"
    )
    cloudinary_timeout_seconds: float = Field(
        60, gt=0, description="Timeout of a request, or chunk of an upload"
    )
    max_image_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Largest accepted image")
    max_image_pixels: int = Field(25_000_000, gt=0, description="Most pixels an image may have")


def issuer_of(publishable_key: str) -> str:
    """The issuer of a Clerk instance's tokens: its publishable key ends in the base64 of `host$`.

    Raises:
        ValueError: the key is not one of Clerk's.
    """
    parts = publishable_key.split("_", 2)
    try:
        if len(parts) != 3 or parts[0] != "pk" or parts[1] not in ("test", "live"):
            raise ValueError
        host = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4), validate=True).decode("ascii")
        if not host.endswith("$") or len(host) < 2:
            raise ValueError
    except (binascii.Error, ValueError):
        raise ValueError("is not a publishable key of Clerk (pk_test_… or pk_live_…)") from None
    return f"https://{host[:-1]}"


def load(settings_class: type[AnySettings]) -> AnySettings:
    """The settings of this process; exits with every error on standard error if they are invalid."""
    folder = os.environ.get(FOLDER) or None
    if folder is not None and not Path(folder).is_dir():
        sys.stderr.write(f"Cannot start: {FOLDER} is {folder}, which is not a folder\n")
        raise SystemExit(78)
    try:
        return settings_class(_secrets_dir=folder)
    except ValidationError as failure:
        sys.stderr.write(explain(failure))
        raise SystemExit(78) from None


def explain(failure: ValidationError) -> str:
    """The errors in the environment, one line for each variable, without any value."""
    lines = []
    for each in failure.errors(include_input=False, include_context=False, include_url=False):
        name = ".".join(str(part) for part in each["loc"]).upper()
        message = each["msg"].removeprefix("Value error, ")
        if each["type"] == "missing":
            lines.append(f"  {name} is missing")
        elif message == _STILL_A_PLACEHOLDER:
            lines.append(f"  {name} {message}")
        else:
            lines.append(f"  {name}: {message}" if name else f"  {message}")
    return "Cannot start, these settings are wrong:\n" + "\n".join(lines) + "\n"
