"""The gateway as a process: its settings, its start, and its end."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from api_gateway.settings import Settings
from tests.gateway.gateway import gateway_process, settings_for
from tests.gateway.services import Scripted, listening
from tests.gateway.wire import connect, read_request, request, send_request


async def test_start_names_all_missing_settings() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api_gateway.main"),
        env={"PATH": os.environ["PATH"], "ALBUM_SERVICE_URL": "http://x/api"},
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 78
    for name in (
        "USER_SERVICE_URL",
        "SONG_SERVICE_URL",
        "ALBUM_SERVICE_URL",
        "FRONTEND_ORIGINS",
        "REDIS_URL",
    ):
        assert name in said.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_service_url", "localhost:3001"),
        ("user_service_url", "http://user:secret@host:3001"),
        ("user_service_url", "http://host:3001/api"),
        ("frontend_origins", "*"),
        ("frontend_origins", "http://localhost:5173/app"),
        ("frontend_origins", "http://localhost:port"),
        ("frontend_origins", "http://localhost:"),
        ("frontend_origins", "http://front end.test"),
        ("frontend_origins", "http://Front-End.test"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("max_body_bytes", 0),
        ("breaker_failure_rate", 1.5),
    ],
)
def test_invalid_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        settings_for("http://127.0.0.1:1", **{name: value})


def test_service_host_may_have_any_case() -> None:
    assert settings_for("http://User-Service:3001").user_service_url == "http://User-Service:3001"


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


async def test_sigterm_completes_running_requests() -> None:
    requested, go_on = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        requested.set()
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")

    async with listening(talk) as there, gateway_process(there) as running, connect(running.port) as client:
        await client.write(request("POST", "/api/songs", body=b"{}"))
        await requested.wait()
        running.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        go_on.set()
        assert (await client.response()).body == b"done"
        async with asyncio.timeout(30):
            # uvicorn ends by the signal that it was sent, once all is done.
            assert await running.process.wait() == -signal.SIGTERM


async def test_draining_gateway_serves_but_is_not_ready() -> None:
    async with listening(Scripted().talk) as there, gateway_process(there, DRAIN_SECONDS="4") as running:
        assert (await send_request(running.port, "GET", "/readyz")).status == 200
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            while (await send_request(running.port, "GET", "/readyz")).status == 200:  # noqa: ASYNC110 - over a socket
                await asyncio.sleep(0.02)
        assert json.loads((await send_request(running.port, "GET", "/readyz")).body) == {"status": "DOWN"}
        assert (await send_request(running.port, "GET", "/api/songs")).status == 200
        assert (await send_request(running.port, "GET", "/livez")).status == 200
