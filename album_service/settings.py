"""The settings of the album service, from its environment."""

from pydantic import Field

from shared.setting_types import ServerUrl
from shared.settings import MediaSettings, MongoSettings, ServiceSettings

SERVICE = "album-service"
"""The name in logs, metrics, health and OpenAPI."""


class AlbumSettings(ServiceSettings, MediaSettings):
    """All settings except those of the store."""

    port: int = Field(3003, ge=0, le=65535, description="Port to listen on")
    user_service_url: ServerUrl = Field(description="The user service: http://host:3001")
    song_service_url: ServerUrl = Field(description="The song service: http://host:3002")
    service_timeout_seconds: float = Field(5, gt=0, description="Timeout of one call to another service")
    max_album_songs: int = Field(1000, ge=1, le=5000, description="Most songs in one album")


class Settings(AlbumSettings, MongoSettings):
    """The album service on MongoDB."""
