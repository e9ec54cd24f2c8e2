"""The settings of the local cloud: where it stores its files, and the keys that it shares with the
services.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_SESSION_SECONDS = 3600
DEFAULT_GATEWAY_URL = "http://localhost:3000"


class MissingSettingsError(Exception):
    """Names every variable that is missing, not only the first."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"These variables must be set: {', '.join(names)}")
        self.names = names


@dataclass(frozen=True)
class CloudSettings:
    """No secret has a default; the supervisor generates them at its first start.

    `public_url` is the origin under which browsers reach this process, without a trailing slash.
    `gateway_url` is the origin under which they reach the API gateway: the web player's page calls it.
    `default_authorized_party` becomes `azp` of a token when the sign-in carries no `Origin` header.
    """

    data_dir: Path
    public_url: str
    clerk_secret_key: str = field(repr=False)
    clerk_publishable_key: str
    cloud_name: str
    cloudinary_api_key: str
    cloudinary_api_secret: str = field(repr=False)
    recombee_database_id: str
    recombee_private_token: str = field(repr=False)
    default_authorized_party: str
    session_seconds: int = DEFAULT_SESSION_SECONDS
    clerk_webhook_url: str | None = None
    clerk_webhook_secret: str | None = field(default=None, repr=False)
    gateway_url: str = DEFAULT_GATEWAY_URL

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "CloudSettings":
        """Raises MissingSettingsError; an empty value counts as missing."""
        source = os.environ if env is None else env
        missing: list[str] = []

        def required(name: str) -> str:
            value = source.get(name, "").strip()
            if not value:
                missing.append(name)
            return value

        settings = cls(
            data_dir=Path(required("CLOUD_DATA_DIR")),
            public_url=required("CLOUD_PUBLIC_URL").rstrip("/"),
            clerk_secret_key=required("CLERK_SECRET_KEY"),
            clerk_publishable_key=required("CLERK_PUBLISHABLE_KEY"),
            cloud_name=required("CLOUDINARY_CLOUD_NAME"),
            cloudinary_api_key=required("CLOUDINARY_API_KEY"),
            cloudinary_api_secret=required("CLOUDINARY_API_SECRET"),
            recombee_database_id=required("RECOMBEE_DATABASE_ID"),
            recombee_private_token=required("RECOMBEE_PRIVATE_TOKEN"),
            default_authorized_party=required("CLOUD_DEFAULT_PARTY").rstrip("/"),
            clerk_webhook_url=source.get("CLERK_WEBHOOK_URL", "").strip() or None,
            clerk_webhook_secret=source.get("CLERK_WEBHOOK_SECRET", "").strip() or None,
            session_seconds=int(source.get("CLOUD_SESSION_SECONDS", "") or DEFAULT_SESSION_SECONDS),
            gateway_url=(source.get("CLOUD_GATEWAY_URL", "").strip() or DEFAULT_GATEWAY_URL).rstrip("/"),
        )
        if missing:
            raise MissingSettingsError(missing)
        return settings
