"""What the user service reads from its environment."""

from pydantic import Field, field_validator

from shared.settings import CommaSeparated, MongoSettings, ServiceSettings, split_commas

SERVICE = "user-service"
"""Its name in logs, metrics, health and OpenAPI."""


class UserSettings(ServiceSettings):
    """Everything but where the users are stored."""

    port: int = Field(3001, ge=0, le=65535, description="Port to listen on")
    admin_emails: CommaSeparated = Field(
        (), description="Who becomes admin at registration, by verified e-mail, comma-separated"
    )

    @field_validator("admin_emails", mode="before")
    @classmethod
    def _split_emails(cls, given: object) -> object:
        return split_commas(given.lower() if isinstance(given, str) else given)


class Settings(UserSettings, MongoSettings):
    """The user service on MongoDB."""
