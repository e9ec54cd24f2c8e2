"""The settings of the user service, from its environment."""

from pydantic import Field, SecretStr, field_validator

from shared.setting_types import EmailAddresses, ServerUrl
from shared.settings import MongoSettings, ServiceSettings
from user_service.webhook_signature import key_of

SERVICE = "user-service"
"""The name in logs, metrics, health and OpenAPI."""


class UserSettings(ServiceSettings):
    """All settings except those of the store."""

    port: int = Field(3001, ge=0, le=65535, description="Port to listen on")
    song_service_url: ServerUrl = Field(description="The song service: http://host:3002")
    album_service_url: ServerUrl = Field(description="The album service: http://host:3003")
    service_timeout_seconds: float = Field(5, gt=0, description="Timeout of one call to another service")
    clerk_webhook_secret: SecretStr | None = Field(
        None, description="Signing secret of Clerk's webhooks, whsec_…; without it they are 404"
    )
    profile_refresh_seconds: int = Field(
        60,
        ge=1,
        description="Minimum interval between refreshes of a user's name, e-mail and image from Clerk",
    )
    admin_emails: EmailAddresses = Field(
        (), description="Verified e-mail addresses that become admin at registration, comma-separated"
    )

    @field_validator("clerk_webhook_secret")
    @classmethod
    def _is_webhook_secret(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            key_of(given.get_secret_value())
        return given

    @property
    def webhook_key(self) -> bytes | None:
        """The key that signs Clerk's webhooks; None when they are not configured."""
        secret = self.clerk_webhook_secret
        return None if secret is None else key_of(secret.get_secret_value())


class Settings(UserSettings, MongoSettings):
    """The user service on MongoDB."""
