"""`.env.example` and the tables of docs/configuration.md, from the settings: `make env-example`."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings as GatewaySettings
from embedded.settings import EmbeddedSettings
from shared.settings import CacheSettings, MediaSettings, MongoSettings, ProcessSettings, ServiceSettings
from song_service.settings import RecombeeSettings
from song_service.settings import Settings as SongSettings
from user_service.settings import Settings as UserSettings

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Redis: every process", CacheSettings),
    ("Clerk and what the user, song and album service share", ServiceSettings),
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
    (
        "The embedded system (make run); docker-compose takes GATEWAY_PORT and CLOUD_PORT",
        EmbeddedSettings,
    ),
)

PROCESSES = (GatewaySettings, UserSettings, SongSettings, AlbumSettings)
NAME_OF_PROCESS: Mapping[type[BaseModel], str] = {
    GatewaySettings: "gateway",
    UserSettings: "user",
    SongSettings: "song",
    AlbumSettings: "album",
}

PROJECT = Path(__file__).parents[1]
TABLE_BEGINS = "<!-- every variable: made by `make env-example` -->\n"
TABLE_ENDS = "<!-- end of every variable -->\n"

INTRODUCTION = """\
# Every variable that the services read, held equal to their settings by a test.
# A value left empty is the default. Each service names what is missing when it cannot start.
#
#   docker-compose: cp .env.example .env && docker-compose up        (nothing has to be filled in)
#
# Only docker-compose reads .env by itself. For anything else take it into the environment of the shell:
#
#   set -a; . ./.env; set +a
#
# Put a value with & $ ; # or spaces in it between single quotes: both ways take it as it is.
# make run needs none of this; its settings also come from that environment.
# docker-compose fixes HOST, PORT, WORKERS, METRICS_PORT and *_SERVICE_URL: here they have no effect on it.
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """A setting; `default` is None where one must be given, and empty where there is none.

    `read_by` names the processes that read it.
    """

    section: str
    name: str
    description: str
    default: str | None
    read_by: str


def _read_by(name: str, model: type[BaseModel]) -> str:
    if model is EmbeddedSettings:
        return "make run"
    readers = [process for settings, process in NAME_OF_PROCESS.items() if name in settings.model_fields]
    return "all" if len(readers) == len(NAME_OF_PROCESS) else ", ".join(readers)


def _default(default: object) -> str | None:
    if default is PydanticUndefined:
        return None
    if default is None or default == () or default == "":
        return ""
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return shown.lower() if isinstance(default, bool) else shown


def _services_own(name: str) -> str | None:
    """The default of each process, where all have one."""
    fields = [model.model_fields[name] for model in PROCESSES if name in model.model_fields]
    defaults = [_default(field.default) for field in fields]
    return ", ".join(each or "" for each in defaults) if None not in defaults else None


def variables() -> Iterator[Variable]:
    """Every setting, each once, section by section."""
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
            default = _default(field.default)
            if default is None:
                default = _services_own(name)
            yield Variable(title, name.upper(), str(field.description), default, _read_by(name, model))


def sections() -> Iterator[tuple[str, list[Variable]]]:
    """The same, each section's together."""
    for title, found in itertools.groupby(variables(), key=lambda each: each.section):
        yield title, list(found)


def render() -> str:
    """The whole of `.env.example`."""
    parts = [INTRODUCTION]
    for title, found in sections():
        parts.append(f"\n# ---- {title}\n")
        for each in found:
            default = "required" if each.default is None else f"default {each.default}"
            parts.append(f"# {each.description} ({default if each.default != '' else 'none by default'})\n")
            parts.append(f"{each.name}=\n")
    return "".join(parts)


def render_table() -> str:
    """The part of docs/configuration.md between `TABLE_BEGINS` and `TABLE_ENDS`."""
    parts = []
    for title, found in sections():
        parts.append(f"\n**{title}**\n\n| variable | what for | default | read by |\n|---|---|---|---|\n")
        for each in found:
            default = "*required*" if each.default is None else f"`{each.default}`" if each.default else ""
            cells = [f"`{each.name}`", each.description, default, each.read_by]
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join([*parts, "\n"])


def with_table(document: str) -> str:
    """`document` with the table as it is to be."""
    before, _, rest = document.partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    return f"{before}{TABLE_BEGINS}{render_table()}{TABLE_ENDS}{after}"


def write() -> None:
    """Both files."""
    (PROJECT / ".env.example").write_text(render())
    document = PROJECT / "docs/configuration.md"
    document.write_text(with_table(document.read_text()))


if __name__ == "__main__":
    write()
