"""The local cloud in containers: which providers it stands in for, and the keys that make it so.

    python -m embedded.stand_ins setup     decides and says so, leaves the settings of stand-ins in a folder
    python -m embedded.stand_ins cloud     serves the local cloud with the keys that setup made
    python -m embedded.stand_ins secrets   prints fresh keys as Kubernetes Secrets

A provider is stood in for as long as none of its credentials are filled in; then each setting that the
services need for it is a file in STAND_INS_DIR, which they read (SETTINGS_DIR) where their environment says
nothing.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.cloud.__main__ import main as serve_cloud
from embedded.installation import Installation, MovedError, installation_in, keep_media_url
from shared.setting_types import check_mongodb_uri
from shared.settings import issuer_of

OWNER_ONLY = 0o400


@dataclass(frozen=True, slots=True)
class Provider:
    """What its credentials are called: all that are `needed` or none; `further` ones come with them only.

    `addresses`: settings that point the services to the local cloud. `account` names a filled-in one to its
    owner.
    """

    name: str
    needed: tuple[str, ...]
    further: tuple[str, ...]
    addresses: tuple[str, ...]
    account: Callable[[Mapping[str, str]], str]


PROVIDERS = (
    Provider(
        "Clerk",
        ("CLERK_SECRET_KEY", "CLERK_PUBLISHABLE_KEY"),
        ("CLERK_JWT_KEY", "CLERK_ISSUER"),
        ("CLERK_API_URL",),
        lambda filled: issuer_of(filled["CLERK_PUBLISHABLE_KEY"]),
    ),
    Provider(
        "Cloudinary",
        ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET"),
        (),
        ("CLOUDINARY_API_URL", "CLOUDINARY_DELIVERY_URL"),
        lambda filled: f"cloud {filled['CLOUDINARY_CLOUD_NAME']}",
    ),
    Provider(
        "Recombee",
        ("RECOMBEE_DATABASE_ID", "RECOMBEE_PRIVATE_TOKEN"),
        (),
        ("RECOMBEE_API_URL",),
        lambda filled: f"database {filled['RECOMBEE_DATABASE_ID']}",
    ),
)


class HalfFilledError(Exception):
    """Some credentials of a provider are filled in and others not; names the others of all providers."""


class SharedDatabaseError(Exception):
    """The one MONGODB_URI that all services get names a database, which they would then share."""


def stood_in_for(environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """The providers of which nothing is filled in.

    Raises:
        HalfFilledError: credentials are incomplete.
    """
    problems = []
    absent = []
    for provider in PROVIDERS:
        missing = [name for name in provider.needed if not environment.get(name, "").strip()]
        given = [name for name in (*provider.needed, *provider.further) if environment.get(name, "").strip()]
        if not given:
            absent.append(provider)
        elif missing:
            problems.append(
                f"  {provider.name}: {', '.join(given)} is filled in, so {', '.join(missing)} must be, too"
            )
    if problems:
        raise HalfFilledError("\n".join(problems))
    return tuple(absent)


def settings_for(
    providers: Sequence[Provider], installation: Installation, cloud_url: str, public_url: str
) -> dict[str, str]:
    """The settings of the services for using the local cloud for these."""
    settings: dict[str, str] = {}
    for provider in providers:
        settings |= {name: installation.environment[name] for name in provider.needed}
        settings |= dict.fromkeys(provider.addresses, cloud_url)
    if "CLOUDINARY_DELIVERY_URL" in settings:
        settings["CLOUDINARY_DELIVERY_URL"] = public_url
    return settings


def leave(settings: Mapping[str, str], folder: Path) -> None:
    """Make `folder` hold these settings and no others, each in a file that its owner only can read."""
    for old in folder.iterdir():
        if old.name not in settings:
            old.unlink()
    for name, value in settings.items():
        draft = folder / f".{name}"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w") as file:
            file.write(value)
        draft.replace(folder / name)


def check_database(environment: Mapping[str, str]) -> None:
    """Raises SharedDatabaseError, or ValueError when it is malformed."""
    uri = environment.get("MONGODB_URI", "").strip()
    if not uri:
        return
    try:
        check_mongodb_uri(uri)
    except ValueError as failure:
        raise ValueError(f"  MONGODB_URI: {failure}") from None
    if uri.partition("://")[2].partition("?")[0].partition("/")[2]:
        raise SharedDatabaseError("  MONGODB_URI names a database: leave it out, each service has its own")


def account_of(environment: Mapping[str, str], stand_ins: Sequence[Provider], public_url: str) -> str:
    """Which provider is real and which is not, for the person who starts the system."""
    lines = ["", "  This system uses:"]
    for provider in PROVIDERS:
        if provider in stand_ins:
            how = f"fill in {', '.join(provider.needed)} for your own"
            lines.append(f"    {provider.name:<11} the local stand-in at {public_url} ({how})")
        else:
            lines.append(f"    {provider.name:<11} the real one: {provider.account(environment)}")
    for name, variable, local in (("MongoDB", "MONGODB_URI", "mongo"), ("Redis", "REDIS_URL", "redis")):
        filled = environment.get(variable, "").strip()
        lines.append(f"    {name:<11} {'your own' if filled else f'the container {local}'}")
    return "\n".join([*lines, "", ""])


def setup() -> int:
    """Decide, say so, leave the settings of stand-ins. The exit status."""
    public_url = os.environ["CLOUD_PUBLIC_URL"].rstrip("/")
    try:
        stand_ins = stood_in_for(os.environ)
        check_database(os.environ)
        account = account_of(os.environ, stand_ins, public_url)
        installation = installation_in(Path(os.environ["CLOUD_DATA_DIR"]))
        settings = settings_for(stand_ins, installation, os.environ["CLOUD_URL"], public_url)
        if "CLOUDINARY_DELIVERY_URL" in settings:
            installation.check_media_url(public_url)
    except (HalfFilledError, SharedDatabaseError, ValueError) as problem:
        sys.stderr.write(f"Cannot start, these settings are wrong:\n{problem}\n")
        return 78
    except MovedError as problem:
        sys.stderr.write(f"{problem}. To start over: docker-compose down --volumes\n")
        return 78
    leave(settings, Path(os.environ["STAND_INS_DIR"]))
    sys.stdout.write(account)
    return 0


def cloud() -> int:
    """Serve the local cloud, with this installation's keys where the environment has none."""
    data_dir = Path(os.environ["CLOUD_DATA_DIR"])
    if not all(os.environ.get(name) for provider in PROVIDERS for name in provider.needed):
        os.environ.update(installation_in(data_dir).environment)
        keep_media_url(data_dir, os.environ["CLOUD_PUBLIC_URL"].rstrip("/"))
    # A person signs in from the command line, without an Origin: as if from the first of the front ends.
    os.environ.setdefault("CLOUD_DEFAULT_PARTY", os.environ["FRONTEND_ORIGINS"].split(",")[0])
    return serve_cloud()


def secrets() -> int:
    """Print fresh keys as the Secrets that the manifests of Kubernetes refer to."""
    keys = Installation.new().environment
    documents = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": provider.name.lower(), "namespace": "music-streaming"},
            "stringData": {name: keys[name] for name in provider.needed},
        }
        for provider in PROVIDERS
    ]
    sys.stdout.write("".join(f"---\n{json.dumps(each, indent=2)}\n" for each in documents))
    return 0


def main() -> int:
    """Do what the first argument says."""
    return {"setup": setup, "cloud": cloud, "secrets": secrets}[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
