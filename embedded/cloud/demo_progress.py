"""How much of the demo content is in place: the web player shows it to somebody who opens it meanwhile.

`PUT /demo-progress` with `{"done", "total"}` reports it, `DELETE` says that no more is coming (both 204), and
`GET` returns `{"isAdding", "done", "total"}`. It is lost at a restart.
"""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

MAX_BODY_BYTES = 256
FORGOTTEN_AFTER_SECONDS = 60.0
"""After this long without a report, whoever was adding the content has been killed."""


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    done: int = Field(ge=0)
    total: int = Field(ge=0)


class DemoProgress:
    """The latest report, and the routes that change and read it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._latest: Progress | None = None
        self._reported_at = 0.0

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/demo-progress", self._read),
            Route("/demo-progress", self._report, methods=["PUT"], max_body_size=MAX_BODY_BYTES),
            Route("/demo-progress", self._end, methods=["DELETE"]),
        ]

    async def _read(self, request: Request) -> Response:
        is_recent = self._now() - self._reported_at < FORGOTTEN_AFTER_SECONDS
        latest = self._latest if is_recent else None
        progress = latest or Progress(done=0, total=0)
        return JSONResponse(
            {"isAdding": latest is not None, **progress.model_dump()}, headers={"Cache-Control": "no-store"}
        )

    async def _report(self, request: Request) -> Response:
        try:
            self._latest = Progress.model_validate_json(await request.body())
        except ValidationError:
            return JSONResponse({"error": "The body must be {done, total}, both from 0"}, status_code=422)
        self._reported_at = self._now()
        return Response(status_code=204)

    async def _end(self, request: Request) -> Response:
        self._latest = None
        return Response(status_code=204)
