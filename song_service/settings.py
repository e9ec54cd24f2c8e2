"""The settings of the song service, from its environment."""

from pydantic import Field, SecretStr, field_validator

from shared.setting_types import ServerUrl
from shared.settings import EnvironmentSettings, MediaSettings, MongoSettings, ServiceSettings

SERVICE = "song-service"
"""The name in logs, metrics, health and OpenAPI."""

REGIONS = ("ap-se", "ca-east", "eu-west", "us-west")


class RecombeeSettings(EnvironmentSettings):
    """The recommendation engine."""

    recombee_database_id: str = Field(description="Recombee's database id")
    recombee_private_token: SecretStr = Field(description="Recombee's private token of that database")
    recombee_region: str = Field("eu-west", description=f"Recombee's region: {', '.join(REGIONS)}")
    recombee_api_url: ServerUrl | None = Field(
        None, description="Another server with Recombee's API, instead of the region's"
    )
    recombee_timeout_seconds: float = Field(3, gt=0, description="Timeout of one request to Recombee")

    @field_validator("recombee_region")
    @classmethod
    def _known_region(cls, given: str) -> str:
        if given.lower().replace("_", "-") not in REGIONS:
            raise ValueError(f"must be one of {', '.join(REGIONS)}")
        return given


class SongSettings(ServiceSettings, MediaSettings, RecombeeSettings):
    """All settings except those of the store."""

    port: int = Field(3002, ge=0, le=65535, description="Port to listen on")
    user_service_url: ServerUrl = Field(description="The user service: http://host:3001")
    album_service_url: ServerUrl = Field(description="The album service: http://host:3003")
    service_timeout_seconds: float = Field(5, gt=0, description="Timeout of one call to another service")
    max_audio_bytes: int = Field(100 * 1024 * 1024, gt=0, description="Largest accepted audio file")
    max_audio_seconds: float = Field(3 * 3600, gt=0, description="Longest accepted audio, in seconds")
    outbox_poll_seconds: float = Field(
        2, gt=0, description="How often the queues for Recombee are polled when nothing wakes the worker"
    )


class Settings(SongSettings, MongoSettings):
    """The song service on MongoDB."""
