"""The settings of the embedded system: its data folder and its ports."""

import itertools
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.setting_types import EmailAddresses, Origins, Port
from shared.settings import EnvironmentSettings


class EmbeddedSettings(EnvironmentSettings):
    """Every setting has a default, so that one command is enough."""

    data_dir: Path = Field(Path(".data"), description="Folder of all state of the embedded system")
    gateway_port: Port = Field(3000, description="The embedded system's gateway")
    user_port: Port = Field(3001, description="The embedded system's user service")
    song_port: Port = Field(3002, description="The embedded system's song service")
    album_port: Port = Field(3003, description="The embedded system's album service")
    cloud_port: Port = Field(
        3010, description="The embedded system's local cloud; must not change once media are stored"
    )
    redis_port: Port = Field(3079, description="The embedded system's Redis")
    frontend_origins: Origins = Field(
        ("http://localhost:5173", "http://127.0.0.1:5173", "http://localhost:3000"),
        description="Origins of front ends, comma-separated",
    )
    admin_emails: EmailAddresses = Field(
        ("admin@demo.local",), description="E-mail addresses that become admin at registration"
    )
    demo: bool = Field(True, description="Add demo content at the first start")

    @model_validator(mode="after")
    def _no_port_twice(self) -> Self:
        for (one, port), (other, same) in itertools.combinations(self.ports.items(), 2):
            if port == same:
                raise ValueError(f"{one.upper()}_PORT and {other.upper()}_PORT are both {port}")
        return self

    @property
    def media_url(self) -> str:
        """Where browsers and players find the local cloud."""
        return f"http://localhost:{self.cloud_port}"

    @property
    def ports(self) -> dict[str, int]:
        """The ports of the system, by the name of the process that listens there."""
        return {
            "redis": self.redis_port,
            "cloud": self.cloud_port,
            "user": self.user_port,
            "song": self.song_port,
            "album": self.album_port,
            "gateway": self.gateway_port,
        }
