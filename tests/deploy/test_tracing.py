"""One upload is one trace, through all services, as an OTLP receiver sees it."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import catalogue
from bench.system import System, Tokens, running_system
from tests.mongo_server import server as mongo_server
from tests.system.media import image, song_form
from tests.system.waiting import until

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
EXPECTED = {
    "api-gateway": {"POST /api/songs"},
    "song-service": {"POST /api/songs", "Cloudinary upload_large", "insert songs"},
    "user-service": {"GET /api/auth/me", "find users"},
    "album-service": {"POST /api/albums/{album_id}/songs", "findAndModify albums"},
}
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class ReceivedSpan:
    service: str
    name: str
    trace_id: str


class Receiver(ThreadingHTTPServer):
    """A small OTLP/HTTP receiver that keeps every span."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def names(self, trace_id: str) -> dict[str, set[str]]:
        """Names of the spans of one trace, by service."""
        found: dict[str, set[str]] = {}
        for span in self.spans:
            if span.trace_id == trace_id:
                found.setdefault(span.service, set()).add(span.name)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [
                    ReceivedSpan(attributes["service.name"], span.name, span.trace_id.hex())
                    for span in scope.spans
                ]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to report."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


@pytest.mark.mongo
async def test_upload_is_one_trace(tmp_path: Path) -> None:
    missing = mongo_server.missing()
    if missing is not None:
        pytest.skip(missing)
    tokens = Tokens()
    with running_receiver() as receiver:
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        async with running_system(tmp_path, tokens, traced) as system:
            seeded = catalogue.seed(system, tokens, 50)
            await upload_into_an_album(system, seeded)

            async def every_process_has_reported() -> bool:
                return EXPECTED.keys() <= receiver.names(TRACE_ID).keys()

            await until(every_process_has_reported)
        # Each process sends what is left when it stops.
        names = receiver.names(TRACE_ID)
        assert {service: found & EXPECTED[service] for service, found in names.items()} == EXPECTED


async def upload_into_an_album(system: System, seeded: catalogue.Seeded) -> None:
    """By an artist whom the song service does not know yet, so that it has to ask the user service."""
    headers = {"Authorization": f"Bearer {seeded.artist_token}"}
    base = f"http://127.0.0.1:{system.gateway.port}/api"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as artist:
        made = await artist.post(
            "/albums", data={"title": "Traced"}, files={"image": ("a.png", image(), "image/png")}
        )
        assert made.status_code == 201, made.text
        me = (await artist.get("/auth/me")).json()
        as_admin = {"Authorization": f"Bearer {seeded.admin_token}"}
        block = f"/admin/users/{me['_id']}/block"
        unblocked = await artist.patch(block, json={"isBlocked": False}, headers=as_admin)
        assert unblocked.status_code == 200, unblocked.text
        response = await artist.post(
            "/songs", headers={"traceparent": TRACEPARENT}, **song_form(albumId=made.json()["_id"])
        )
    assert response.status_code == 201, response.text
