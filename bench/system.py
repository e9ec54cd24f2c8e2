"""The production entry points with a MongoDB-wire server, Redis and the local cloud, for measurements."""

import base64
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.processes import Process, free_port, python, running
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
    """A running system; its processes by name: redis, cloud, user, song, album, gateway."""

    processes: Mapping[str, Process]
    mongodb_uri: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def gateway(self) -> Process:
        """The only process that clients reach."""
        return self.processes["gateway"]

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time used so far by each process that serves requests."""
        return {name: self.processes[name].cpu_seconds() for name in ("gateway", *SERVICES, "redis")}


def _environment(ports: Mapping[str, int], tokens: Tokens, mongodb_uri: str) -> dict[str, str]:
    cloud = f"http://127.0.0.1:{ports['cloud']}"
    issuer = base64.b64encode(f"{_ISSUER_HOST}$".encode()).decode().rstrip("=")
    return {
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "info",
        **NO_RATE_LIMITS,
        "SHUTDOWN_SECONDS": "5",
        "MONGODB_URI": mongodb_uri,
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
    folder: Path, tokens: Tokens, more: Mapping[str, str] | None = None
) -> AsyncIterator[System]:
    """The whole system, with empty databases, while the block runs; `more` are settings of every process.

    Raises:
        RuntimeError: redis-server or the MongoDB test server is missing, or a process does not start.
    """
    if shutil.which("redis-server") is None or mongo_server.missing() is not None:
        raise RuntimeError("Needed: redis-server, and tests/mongo_server/build.sh run once")
    ports = {name: free_port() for name in ("redis", "cloud", *SERVICES, "gateway")}
    mongo_folder = folder / "mongo"
    mongo_folder.mkdir()
    async with AsyncExitStack() as stack:
        mongo = stack.enter_context(mongo_server.start(mongo_folder))
        environment = {**_environment(ports, tokens, mongo.uri), **(more or {})}
        commands = {
            "redis": ("redis-server", "--port", str(ports["redis"]), "--save", "", "--bind", "127.0.0.1"),
            "cloud": python("embedded.cloud"),
            **{name: python(f"{name}_service.main") for name in SERVICES},
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
                    environment={**environment, **cloud, "PORT": str(ports[name])},
                    log=folder / f"{name}.log",
                )
            )
        yield System(processes, mongo.uri, environment, folder)
