"""`.env.example` as the settings describe themselves: `python -m tests.env_example > .env.example`."""

import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings as GatewaySettings
from embedded.settings import EmbeddedSettings
from shared.settings import MediaSettings, MongoSettings, ProcessSettings, ServiceSettings
from song_service.settings import RecombeeSettings
from song_service.settings import Settings as SongSettings
from user_service.settings import Settings as UserSettings

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Clerk, Redis and what the user, song and album service share", ServiceSettings),
    (
        "MongoDB. Without a database in its path each service takes its own: users_db, songs_db, albums_db",
        MongoSettings,
    ),
    ("Cloudinary: song and album service", MediaSettings),
    ("Recombee: song service", RecombeeSettings),
    ("User service", UserSettings),
    ("Song service", SongSettings),
    ("Album service", AlbumSettings),
    ("API gateway", GatewaySettings),
    ("Every process", ProcessSettings),
    ("The embedded system (make run) only", EmbeddedSettings),
)

INTRODUCTION = """\
# Every variable that the services read, held equal to their settings by a test.
# A value left empty is the default. Each service names what is missing when it cannot start.
#
#   docker-compose: cp .env.example .env && docker-compose up        (nothing has to be filled in)
#   make run needs none of this.
"""


def _default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default == () or default == "":
        return "none by default"
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f"default {shown.lower() if isinstance(default, bool) else shown}"


def variables() -> Iterator[tuple[str, str, str]]:
    """(section, name, line) of every setting, each once."""
    common = set(ProcessSettings.model_fields)
    owners = {name for _, model in SECTIONS[:4] for name in model.model_fields} - common
    seen: set[str] = set()
    for title, model in SECTIONS:
        for name, field in model.model_fields.items():
            foreign = model is not ProcessSettings and name in common
            shared_elsewhere = model not in [each for _, each in SECTIONS[:4]] and name in owners
            if name in seen or foreign or (shared_elsewhere and model is not EmbeddedSettings):
                continue
            seen.add(name)
            yield title, name.upper(), f"# {field.description} ({_default(field.default)})\n{name.upper()}="


def render() -> str:
    """The whole file."""
    parts = [INTRODUCTION]
    last = ""
    for title, _, line in variables():
        if title != last:
            parts.append(f"\n# ---- {title}\n")
            last = title
        parts.append(f"{line}\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
