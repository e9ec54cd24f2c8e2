"""The production entry points with a MongoDB-wire server, or on SQLite, with Redis and the local cloud."""

import base64
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.processes import Process, free_port, python, running
from embedded.apps import SQLITE_FILE
from tests.mongo_server import server as mongo_server

SERVICES = ("user", "song", "album")
TOKEN_SECONDS = 6 * 3600
NO_RATE_LIMITS = dict.fromkeys(
    (
        "LIMIT_CALLS_PER_MINUTE",
        "LIMIT_WRITES_PER_MINUTE",
        "LIMIT_UPLOADS_PER_HOUR",
        "LIMIT_REGISTRATIONS_PER_HOUR",
    ),
    "0",
)
"""One client makes all requests here."""

_ISSUER_HOST = "clerk.bench.test"


class Store(StrEnum):
    """Where the services keep their data.

    The MongoDB-wire server reads whole collections, whatever indexes they have: it is for small ones.
    """

    MONGODB = "mongodb"
    SQLITE = "sqlite"


class Tokens:
    """Signs session tokens as Clerk does, with a key made for this run."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public_pem(self) -> str:
        """For `CLERK_JWT_KEY`."""
        public = self._key.public_key()
        return public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def token(self, clerk_id: str) -> str:
        """A session token that outlasts the measurement."""
        moment = int(time.time())
        claims = {
            **{"sub": clerk_id, "sid": f"sess_{clerk_id}", "sts": "active", "v": 2, "fva": [0, -1]},
            **{"iss": f"https://{_ISSUER_HOST}", "azp": "http://localhost:5173"},
            **{"iat": moment, "nbf": moment - 10, "exp": moment + TOKEN_SECONDS},
        }
        return jwt.encode(claims, self._key, "RS256", headers={"kid": "ins_bench"})


@dataclass(frozen=True, slots=True)
class System:
    """A running system; its processes by name: redis, cloud, user, song, album, gateway.

    `mongodb_uri` is None where its databases are the files of `sqlite_file`.
    """

    processes: Mapping[str, Process]
    mongodb_uri: str | None
    environment: Mapping[str, str]
    folder: Path

    def sqlite_file(self, service: str) -> Path:
        """The database of this service."""
        return _sqlite_file(self.folder, service)

    @property
    def gateway(self) -> Process:
        """The only process that clients reach."""
        return self.processes["gateway"]

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time used so far by each process that serves requests."""
        return {name: self.processes[name].cpu_seconds() for name in ("gateway", *SERVICES, "redis")}


def _sqlite_file(folder: Path, service: str) -> Path:
    return folder / f"{service}s.sqlite"


def _service(name: str, store: Store) -> tuple[str, ...]:
    """The command that runs a service."""
    if store is Store.MONGODB:
        return python(f"{name}_service.main")
    return (sys.executable, "-c", f"from embedded.apps.{name} import run; run()")


def _environment(ports: Mapping[str, int], tokens: Tokens) -> dict[str, str]:
    cloud = f"http://127.0.0.1:{ports['cloud']}"
    issuer = base64.b64encode(f"{_ISSUER_HOST}$".encode()).decode().rstrip("=")
    return {
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "info",
        **NO_RATE_LIMITS,
        "SHUTDOWN_SECONDS": "5",
        "REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        # A busy machine that is measured is no outage.
        "CACHE_TIMEOUT_SECONDS": "1",
        "CLERK_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "CLERK_PUBLISHABLE_KEY": f"pk_test_{issuer}",
        "CLERK_JWT_KEY": tokens.public_pem(),
        "CLERK_API_URL": cloud,
        "CLOUDINARY_CLOUD_NAME": "bench",
        "CLOUDINARY_API_KEY": secrets.token_hex(8),
        "CLOUDINARY_API_SECRET": secrets.token_hex(16),
        "CLOUDINARY_API_URL": cloud,
        "CLOUDINARY_DELIVERY_URL": cloud,
        "RECOMBEE_DATABASE_ID": "bench",
        "RECOMBEE_PRIVATE_TOKEN": secrets.token_hex(16),
        "RECOMBEE_API_URL": cloud,
        "FRONTEND_ORIGINS": "http://localhost:5173",
        **{f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{ports[name]}" for name in SERVICES},
    }


@asynccontextmanager
async def running_system(
    folder: Path,
    tokens: Tokens,
    more: Mapping[str, str] | None = None,
    store: Store = Store.MONGODB,
) -> AsyncIterator[System]:
    """The whole system, with empty databases, while the block runs; `more` are settings of every process.

    Raises:
        RuntimeError: redis-server or the MongoDB test server is missing, or a process does not start.
    """
    if shutil.which("redis-server") is None:
        raise RuntimeError("Needed: redis-server")
    if store is Store.MONGODB and mongo_server.missing() is not None:
        raise RuntimeError("Needed: tests/mongo_server/build.sh, run once")
    ports = {name: free_port() for name in ("redis", "cloud", *SERVICES, "gateway")}
    mongodb_uri = None
    async with AsyncExitStack() as stack:
        environment = {**_environment(ports, tokens), **(more or {})}
        if store is Store.MONGODB:
            mongo_folder = folder / "mongo"
            mongo_folder.mkdir()
            mongodb_uri = stack.enter_context(mongo_server.start(mongo_folder)).uri
            environment["MONGODB_URI"] = mongodb_uri
        commands = {
            "redis": ("redis-server", "--port", str(ports["redis"]), "--save", "", "--bind", "127.0.0.1"),
            "cloud": python("embedded.cloud"),
            **{name: _service(name, store) for name in SERVICES},
            "gateway": python("api_gateway.main"),
        }
        cloud = {
            "CLOUD_DATA_DIR": str(folder / "cloud"),
            "CLOUD_PUBLIC_URL": f"http://127.0.0.1:{ports['cloud']}",
            "CLOUD_DEFAULT_PARTY": "http://localhost:5173",
        }
        processes = {}
        for name, command in commands.items():
            processes[name] = await stack.enter_async_context(
                running(
                    name,
                    ports[name],
                    *command,
                    environment={
                        **environment,
                        **cloud,
                        "PORT": str(ports[name]),
                        SQLITE_FILE: str(_sqlite_file(folder, name)),
                    },
                    log=folder / f"{name}.log",
                )
            )
        yield System(processes, mongodb_uri, environment, folder)
