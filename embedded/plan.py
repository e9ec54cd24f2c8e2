"""The processes of the embedded system, and the environment of each."""

import os
from dataclasses import dataclass
from pathlib import Path

from api_gateway.settings import Settings as GatewaySettings
from embedded.apps import SQLITE_FILE
from embedded.installation import Installation
from embedded.settings import EmbeddedSettings


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """A process: its environment beside the inherited one, and where to ask whether it is ready."""

    name: str
    port: int
    environment: dict[str, str]
    ready_path: str | None


def plan(settings: EmbeddedSettings, installation: Installation, data_dir: Path) -> list[ProcessPlan]:
    """The processes, in the order in which they depend on each other; they are started together."""
    services = _service_environment(settings, installation)
    cloud = {
        **installation.environment,
        "HOST": "127.0.0.1",
        "PORT": str(settings.cloud_port),
        "CLOUD_DATA_DIR": str(data_dir / "cloud"),
        "CLOUD_PUBLIC_URL": settings.media_url,
        "CLERK_WEBHOOK_URL": f"http://127.0.0.1:{settings.gateway_port}/api/webhooks/clerk",
        "CLOUD_DEFAULT_PARTY": f"http://localhost:{settings.gateway_port}",
        "CLOUD_GATEWAY_URL": f"http://localhost:{settings.gateway_port}",
    }
    return [
        ProcessPlan("redis", settings.redis_port, {"REDIS_PORT": str(settings.redis_port)}, None),
        ProcessPlan("cloud", settings.cloud_port, cloud, "/livez"),
        *(
            ProcessPlan(
                name,
                settings.ports[name],
                {
                    **services,
                    "PORT": str(settings.ports[name]),
                    SQLITE_FILE: str(data_dir / f"{name}s.sqlite"),
                },
                "/readyz",
            )
            for name in ("user", "song", "album")
        ),
        ProcessPlan(
            "gateway",
            settings.gateway_port,
            {**services, **_rate_limits(), "PORT": str(settings.gateway_port)},
            "/health/services",
        ),
    ]


def _rate_limits() -> dict[str, str]:
    """On a single machine there are no rate limits, unless the environment sets them."""
    names = [name.upper() for name in GatewaySettings.model_fields if name.startswith("limit_")]
    return {name: os.environ.get(name) or "0" for name in names}


def _service_environment(settings: EmbeddedSettings, installation: Installation) -> dict[str, str]:
    cloud = f"http://127.0.0.1:{settings.cloud_port}"
    origins = (
        *settings.frontend_origins,
        f"http://localhost:{settings.gateway_port}",
        settings.media_url,
        f"http://127.0.0.1:{settings.cloud_port}",
    )
    return {
        **installation.environment,
        "HOST": "127.0.0.1",
        # These would be the same for all processes, and are meant for services on other machines.
        "SETTINGS_DIR": "",
        "WORKERS": "1",
        "METRICS_PORT": "",
        "DRAIN_SECONDS": "0",
        "SHUTDOWN_SECONDS": "8",
        "REDIS_URL": f"redis://127.0.0.1:{settings.redis_port}/0",
        "CLERK_API_URL": cloud,
        "CLERK_ISSUER": "",
        "CLERK_JWT_KEY": "",
        "CLOUDINARY_API_URL": cloud,
        "CLOUDINARY_DELIVERY_URL": settings.media_url,
        "RECOMBEE_API_URL": cloud,
        "USER_SERVICE_URL": f"http://127.0.0.1:{settings.user_port}",
        "SONG_SERVICE_URL": f"http://127.0.0.1:{settings.song_port}",
        "ALBUM_SERVICE_URL": f"http://127.0.0.1:{settings.album_port}",
        "FRONTEND_ORIGINS": ",".join(dict.fromkeys(origins)),
        "ADMIN_EMAILS": ",".join(settings.admin_emails),
        "PROVIDER_PROBE_SECONDS": "1",
    }
