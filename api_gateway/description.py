"""One OpenAPI description of all services, with the paths that clients use."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import structlog

from api_gateway.fetch import fetch
from api_gateway.resources import Upstream
from api_gateway.route_table import find_target
from shared.errors import UnavailableError
from shared.http.client.errors import UpstreamError
from shared.http.openapi import GATEWAY_PREFIX

FETCH_SECONDS = 2.0
MAX_BYTES = 4 * 1024 * 1024
KEPT_SECONDS = 30.0

Document: TypeAlias = dict[str, Any]

_SCHEMAS = "#/components/schemas/"

log = structlog.stdlib.get_logger(__name__)


class ApiDescription:
    """Merges the descriptions of the services. The last known description of a service that is down is
    used. A document without the calls of a service would make generated clients lose them.
    """

    def __init__(self, upstreams: Mapping[str, Upstream], own: Callable[[], Document]) -> None:
        self._upstreams = upstreams
        self._own = own
        self._known: dict[str, Document] = {}
        self._merged = b""
        self._merged_at = -KEPT_SECONDS
        self._lock = asyncio.Lock()

    async def document(self) -> bytes:
        """The merged description as JSON. The services are called at most every 30 seconds.

        Raises:
            UnavailableError: a service has not been described since the start of the gateway.
        """
        async with self._lock:
            if time.monotonic() - self._merged_at >= KEPT_SECONDS:
                await asyncio.gather(*(self._refresh(upstream) for upstream in self._upstreams.values()))
                if self._known.keys() < self._upstreams.keys():
                    raise UnavailableError("A service is not available now, so the description is incomplete")
                known = {name: self._known[name] for name in self._upstreams}
                self._merged = json.dumps(merge(self._own(), known)).encode()
                self._merged_at = time.monotonic()
        return self._merged

    async def _refresh(self, upstream: Upstream) -> None:
        try:
            response = await fetch(
                upstream.pool, b"/openapi.json", [], seconds=FETCH_SECONDS, max_bytes=MAX_BYTES
            )
            if response.status == 200:
                self._known[upstream.name] = json.loads(response.body)
        except (UpstreamError, TimeoutError, ValueError) as failure:
            log.warning("description not fetched", callee=upstream.name, error=type(failure).__name__)


def merge(own: Document, services: Mapping[str, Document]) -> Document:
    """One document of the gateway's `own` and those of the `services` by name.

    Service paths get the gateway's prefix. A schema that differs from another of its name gets the name of
    its service in front.
    """
    merged: Document = {
        **own,
        "servers": [{"url": "/", "description": "The gateway"}],
        "paths": dict(own["paths"]),
        "components": {kind: dict(named) for kind, named in own.get("components", {}).items()},
    }
    for service, document in services.items():
        renamed = _conflicts(merged["components"].get("schemas", {}), document, service)
        text = json.dumps(document)
        for name, new_name in renamed.items():
            text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{new_name}"')
        _add(merged, json.loads(text), renamed)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _conflicts(taken: Document, document: Document, service: str) -> dict[str, str]:
    """New names for the schemas of `document` that are other ones than those of the same name."""
    schemas = document.get("components", {}).get("schemas", {})
    return {
        name: f"{service.capitalize()}{name}"
        for name, schema in schemas.items()
        if name in taken and taken[name] != schema
    }


def _add(merged: Document, document: Document, renamed: Mapping[str, str]) -> None:
    for path, calls in document["paths"].items():
        public = f"{GATEWAY_PREFIX}{path}"
        if find_target(public.encode()) is not None:
            merged["paths"][public] = calls
    for kind, named in document.get("components", {}).items():
        for name, value in named.items():
            merged["components"].setdefault(kind, {})[renamed.get(name, name)] = value
