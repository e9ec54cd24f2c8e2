"""Faults on demand, seen through the providers' own SDKs."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import cloudinary.exceptions
import cloudinary.uploader
import httpx
import pytest
from clerk_backend_api import models
from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import ListItems
from recombee_api_client.exceptions import ResponseException

from embedded.cloud.settings import CloudSettings
from tests.cloud.media import make_picture
from tests.cloud.signing_in import new_email, sdk, sign_in


@pytest.fixture
async def faults(cloud: CloudSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        yield http
        for provider in ("clerk", "cloudinary", "recombee"):
            assert (await http.delete(f"/faults/{provider}")).status_code == 204


async def test_active_faults_are_listed_until_removed(faults: httpx.AsyncClient) -> None:
    assert (await faults.get("/faults")).json() == {}
    assert (await faults.put("/faults/clerk", json={"status": 503})).status_code == 204
    assert (await faults.put("/faults/recombee", json={"delaySeconds": 0.5, "rate": 0.25})).status_code == 204
    assert (await faults.get("/faults")).json() == {
        "clerk": {"status": 503, "delaySeconds": 0.0, "rate": 1.0},
        "recombee": {"status": None, "delaySeconds": 0.5, "rate": 0.25},
    }
    assert (await faults.delete("/faults/clerk")).status_code == 204
    assert (await faults.delete("/faults/clerk")).status_code == 204
    assert set((await faults.get("/faults")).json()) == {"recombee"}


async def test_clerk_fault_spares_sign_in(cloud: CloudSettings, faults: httpx.AsyncClient) -> None:
    await faults.put("/faults/clerk", json={"status": 503})
    response = await sign_in(cloud, {"email": new_email()})
    assert response.status_code == 200
    async with sdk(cloud) as clerk:
        with pytest.raises(models.SDKError) as failed:
            await clerk.users.get_async(user_id=response.json()["clerkId"])
        assert failed.value.status_code == 503
        await faults.put("/faults/clerk", json={"status": 404})
        with pytest.raises(models.ClerkErrors) as missing:
            await clerk.users.get_async(user_id=response.json()["clerkId"])
        assert missing.value.data.errors[0].code == "injected_fault"
        await faults.delete("/faults/clerk")
        assert (await clerk.users.get_async(user_id=response.json()["clerkId"])).id == response.json()[
            "clerkId"
        ]


async def test_cloudinary_fault_spares_delivery(
    cloud: CloudSettings, faults: httpx.AsyncClient, cloudinary_options: dict[str, Any]
) -> None:
    def upload() -> dict[str, Any]:
        result: dict[str, Any] = cloudinary.uploader.upload(io.BytesIO(make_picture()), **cloudinary_options)
        return result

    stored = await asyncio.to_thread(upload)
    for status, error in (
        (500, cloudinary.exceptions.GeneralError),
        (503, cloudinary.exceptions.GeneralError),
        (429, cloudinary.exceptions.RateLimited),
        (401, cloudinary.exceptions.AuthorizationRequired),
    ):
        await faults.put("/faults/cloudinary", json={"status": status})
        with pytest.raises(error, match="fault"):
            await asyncio.to_thread(upload)
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.get(stored["url"])).status_code == 200


async def test_recombee_fault_looks_like_recombee(cloud: CloudSettings, faults: httpx.AsyncClient) -> None:
    client = RecombeeClient(
        cloud.recombee_database_id,
        cloud.recombee_private_token,
        protocol="http",
        options={"base_uri": cloud.public_url.removeprefix("http://")},
    )
    await faults.put("/faults/recombee", json={"status": 500})
    with pytest.raises(ResponseException) as failed:
        await asyncio.to_thread(client.send, ListItems())
    assert failed.value.status_code == 500
    assert '"statusCode":500' in failed.value.description
    await faults.delete("/faults/recombee")
    assert await asyncio.to_thread(client.send, ListItems()) == []


async def test_delay_precedes_the_real_response(cloud: CloudSettings, faults: httpx.AsyncClient) -> None:
    await faults.put("/faults/clerk", json={"delaySeconds": 0.3})
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        response = await http.get("/v1/jwks", headers={"Authorization": f"Bearer {cloud.clerk_secret_key}"})
    assert response.json()["keys"]
    assert time.monotonic() - began >= 0.3


async def test_rate_is_the_share_of_failing_calls(cloud: CloudSettings, faults: httpx.AsyncClient) -> None:
    async def statuses(rate: float) -> list[int]:
        await faults.put("/faults/clerk", json={"status": 500, "rate": rate})
        async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
            return [(await http.get("/v1/jwks")).status_code for _ in range(60)]

    assert set(await statuses(0.0)) == {401}
    assert set(await statuses(1.0)) == {500}
    # With 60 draws at one half, one outcome alone happens once in 10**17 runs.
    assert set(await statuses(0.5)) == {401, 500}


async def test_failing_upload_is_read_before_its_response(
    cloud: CloudSettings, faults: httpx.AsyncClient
) -> None:
    """The sender sees the status, not a connection that breaks while it is still sending."""
    await faults.put("/faults/cloudinary", json={"status": 503})
    async with httpx.AsyncClient(base_url=cloud.public_url, timeout=30) as http:
        response = await http.post(
            f"/v1_1/{cloud.cloud_name}/video/upload",
            files={"file": ("a.wav", bytes(20_000_000), "audio/wav")},
        )
    assert response.status_code == 503
    assert response.json() == {"error": {"message": "A fault that was asked for at /faults"}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"nonsense", "body"),
        (b"[]", "body"),
        (b"{}", "body"),
        (b'{"rate": 0.5}', "body"),
        (b'{"status": 200}', "status"),
        (b'{"status": 600}', "status"),
        (b'{"status": "503"}', "status"),
        (b'{"status": true}', "status"),
        (b'{"delaySeconds": -1}', "delaySeconds"),
        (b'{"delaySeconds": 301}', "delaySeconds"),
        (b'{"delaySeconds": NaN}', "delaySeconds"),
        (b'{"status": 503, "rate": 1.5}', "rate"),
        (b'{"status": 503, "rate": -0.1}', "rate"),
        (b'{"status": 503, "delay": 1}', "delay"),
    ],
)
async def test_invalid_fault_is_refused(faults: httpx.AsyncClient, body: bytes, field: str) -> None:
    response = await faults.put("/faults/clerk", content=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert (await faults.get("/faults")).json() == {}


async def test_unknown_provider_is_not_found(faults: httpx.AsyncClient) -> None:
    response = await faults.put("/faults/stripe", json={"status": 503})
    assert response.status_code == 404
    assert "clerk, cloudinary, recombee" in response.json()["error"]
    assert (await faults.delete("/faults/stripe")).status_code == 404
