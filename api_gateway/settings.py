"""The settings of the gateway, from its environment."""

import ipaddress

from pydantic import Field, field_validator

from api_gateway.headers import Network
from api_gateway.rate_limits import RateLimits
from shared.setting_types import CommaSeparated, Origins, ServerUrl, split_commas
from shared.settings import CacheSettings, ProcessSettings


class Settings(ProcessSettings, CacheSettings):
    """Each is read from the variable of this name in upper case."""

    port: int = Field(3000, ge=0, le=65535, description="Port to listen on")
    user_service_url: ServerUrl = Field(description="The user service: http://host:3001")
    song_service_url: ServerUrl = Field(description="The song service: http://host:3002")
    album_service_url: ServerUrl = Field(description="The album service: http://host:3003")
    frontend_origins: Origins = Field(
        description="Origins of the front ends, comma-separated: the only ones whose pages may read responses"
    )
    keep_alive_seconds: int = Field(
        620,
        ge=1,
        description="How long an idle connection is kept; the timeout of a proxy in front must be shorter",
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Addresses or networks of proxies in front, whose X-Forwarded-* headers are trusted"
    )
    max_body_bytes: int = Field(120 * 1024 * 1024, gt=0, description="Largest upload")
    max_body_seconds: float = Field(900, gt=0, description="Timeout for receiving the body of an upload")
    body_buffer_bytes: int = Field(
        64 * 1024 * 1024,
        gt=0,
        description="Most memory for bodies being received; a client address gets a quarter",
    )
    response_buffer_bytes: int = Field(
        64 * 1024 * 1024,
        gt=0,
        description="Most memory for responses to slow clients; each gets at most 2 MB",
    )
    limit_calls_per_minute: int = Field(600, ge=0, description="Requests of one client; 0: no limit")
    limit_writes_per_minute: int = Field(120, ge=0, description="Changes by one client; 0: no limit")
    limit_uploads_per_hour: int = Field(60, ge=0, description="Songs and covers of one client; 0: no limit")
    limit_registrations_per_hour: int = Field(20, ge=0, description="From one address; 0: no limit")
    connect_timeout_seconds: float = Field(2, gt=0, description="Timeout for connecting to a service")
    pool_timeout_seconds: float = Field(
        2, gt=0, description="How long a request waits when a service has its most requests"
    )
    first_byte_timeout_seconds: float = Field(
        30, gt=0, description="Timeout from the end of a request to the start of its response"
    )
    upload_answer_timeout_seconds: float = Field(
        180, gt=0, description="The same for uploads, which the service stores at the media store"
    )
    idle_timeout_seconds: float = Field(
        60, gt=0, description="Timeout between two chunks of a body, in either direction"
    )
    max_connections_per_service: int = Field(
        500, gt=0, description="Concurrent requests at one service; half of them may be uploads in progress"
    )
    breaker_failure_rate: float = Field(
        0.5, gt=0, le=1, description="Share of failed calls at which the circuit breaker of a service opens"
    )
    breaker_minimum_calls: int = Field(
        10, gt=0, description="Fewest calls in the window for the breaker to open"
    )
    breaker_window_seconds: float = Field(10, gt=0, description="The window in which calls are counted")
    breaker_reset_timeout_seconds: float = Field(
        1, gt=0, description="How long it stays open before a probe call"
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return split_commas(given)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for each in given:
                ipaddress.ip_network(each, strict=False)
        except ValueError:  # its text has the value
            raise ValueError("each entry is an IP address or a network: 10.0.0.0/8") from None
        return given

    @property
    def rate_limits(self) -> RateLimits:
        """The limits of clients."""
        return RateLimits(
            self.limit_calls_per_minute,
            self.limit_writes_per_minute,
            self.limit_uploads_per_hour,
            self.limit_registrations_per_hour,
        )

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """`trusted_proxies`, ready to compare with."""
        return tuple(ipaddress.ip_network(each, strict=False) for each in self.trusted_proxies)

    @property
    def url_of_service(self) -> dict[str, str]:
        """Where each service of the route table is."""
        return {
            "user": self.user_service_url,
            "song": self.song_service_url,
            "album": self.album_service_url,
        }
