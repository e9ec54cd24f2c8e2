"""The installation of the local cloud: keys generated at the first start, and its address."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path


class MovedError(Exception):
    """The local cloud would not be where its media are looked for; the text says where that is."""


@dataclass(frozen=True)
class Installation:
    """The keys that the services and the local cloud share.

    `media_url`, where media are delivered from, is None until there may be some.
    """

    clerk_secret_key: str
    clerk_publishable_key: str
    cloudinary_cloud_name: str
    cloudinary_api_key: str
    cloudinary_api_secret: str
    recombee_database_id: str
    recombee_private_token: str
    media_url: str | None = None

    @classmethod
    def new(cls) -> "Installation":
        """Fresh keys."""
        issuer_host = f"clerk-{secrets.token_hex(4)}.local"
        return cls(
            clerk_secret_key=f"sk_test_{secrets.token_urlsafe(30)}",
            clerk_publishable_key="pk_test_" + base64.b64encode(f"{issuer_host}$".encode()).decode(),
            cloudinary_cloud_name="local",
            cloudinary_api_key=str(secrets.randbelow(10**15)).zfill(15),
            cloudinary_api_secret=secrets.token_urlsafe(20),
            recombee_database_id="local-music",
            recombee_private_token=secrets.token_urlsafe(40),
        )

    @property
    def environment(self) -> dict[str, str]:
        """The keys under the names that the services and the local cloud read."""
        keys = {name.upper(): value for name, value in asdict(self).items() if name != "media_url"}
        return {**keys, "CLERK_WEBHOOK_SECRET": self.clerk_webhook_secret}

    @property
    def clerk_webhook_secret(self) -> str:
        """Derived from the secret key, so that older installations have one as well."""
        key = hmac.digest(self.clerk_secret_key.encode(), b"webhooks", hashlib.sha256)
        return f"whsec_{base64.b64encode(key).decode()}"

    def check_media_url(self, media_url: str) -> None:
        """Songs, albums and users are stored with full URLs, which break when the address of media changes.

        Raises:
            MovedError: they would.
        """
        if self.media_url not in (None, media_url):
            kept = f"the covers and songs kept here have addresses at {self.media_url}"
            raise MovedError(f"CLOUD_PORT has to stay as it was: {kept}")


def installation_in(data_dir: Path) -> Installation:
    """The installation of this folder, made when there is none; readable by its owner only."""
    path = data_dir / "installation.json"
    if path.exists():
        return Installation(**json.loads(path.read_text()))
    made = Installation.new()
    _keep(made, path)
    return made


def keep_media_url(data_dir: Path, media_url: str) -> None:
    """From now on this folder's media have this address."""
    installation = installation_in(data_dir)
    if installation.media_url != media_url:
        _keep(replace(installation, media_url=media_url), data_dir / "installation.json")


def _keep(installation: Installation, path: Path) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(installation), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
