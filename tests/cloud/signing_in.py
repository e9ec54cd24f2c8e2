"""Signing in at the local Clerk, and its SDK as the services use it."""

import secrets
from typing import Any

import httpx
from clerk_backend_api import Clerk
from clerk_backend_api.utils.retries import BackoffStrategy, RetryConfig

from embedded.cloud.settings import CloudSettings

PARTY = "http://localhost:5173"


def new_email() -> str:
    return f"Maya.Lopez+{secrets.token_hex(4)}@example.org"


async def sign_in(cloud: CloudSettings, body: Any, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        return await http.post("/sign-in", json=body, headers=headers)


def sdk(cloud: CloudSettings, secret_key: str | None = None) -> Clerk:
    return Clerk(
        bearer_auth=secret_key or cloud.clerk_secret_key,
        server_url=f"{cloud.public_url}/v1",
        timeout_ms=30_000,
        retry_config=RetryConfig("backoff", BackoffStrategy(10, 20, 1.5, 50), True),
    )
