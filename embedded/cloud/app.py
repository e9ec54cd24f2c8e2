"""The local cloud: one ASGI app that implements the APIs of Clerk, Cloudinary and Recombee, on one port.

Each provider is one object: an async context manager that opens its files under `settings.data_dir`, with
`routes`, a list to mount. Providers are distinguished by path: `/v1/*` is Clerk's API,
`/v1_1/*` Cloudinary's, `/{recombee_database_id}/*` Recombee's. `/` is the web player.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from embedded.cloud.clerk.app import Clerk, clerk_error
from embedded.cloud.cloudinary.app import Cloudinary, cloudinary_error, refuse
from embedded.cloud.cloudinary.request_signature import RefusedRequestError
from embedded.cloud.demo_progress import DemoProgress
from embedded.cloud.faults import FaultLayer, Faults, FaultyApi, Provider
from embedded.cloud.full_disk import FullDiskHandler
from embedded.cloud.player_page import PlayerPage
from embedded.cloud.recombee.app import Recombee
from embedded.cloud.settings import CloudSettings


async def _alive(request: Request) -> Response:
    return Response(status_code=200)


def _recombee_error(status: int, message: str) -> Response:
    return JSONResponse({"statusCode": status, "message": message}, status_code=status)


def create_cloud(settings: CloudSettings) -> Starlette:
    """The app; its lifespan opens the stores and stops the background work."""
    clerk = Clerk(settings)
    cloudinary = Cloudinary(settings)
    recombee = Recombee(settings)
    faults = Faults()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(clerk)
            await opened.enter_async_context(cloudinary)
            await opened.enter_async_context(recombee)
            yield

    apis: dict[Provider, FaultyApi] = {
        "clerk": FaultyApi("/v1/", lambda status, message: clerk_error(status, "injected_fault", message)),
        "cloudinary": FaultyApi("/v1_1/", cloudinary_error),
        "recombee": FaultyApi(f"/{settings.recombee_database_id}/", _recombee_error),
    }
    full_disk = FullDiskHandler(apis.values())
    return Starlette(
        routes=[
            Route("/livez", _alive),
            *PlayerPage(settings).routes,
            *DemoProgress().routes,
            *faults.routes,
            *clerk.routes,
            *cloudinary.routes,
            *recombee.routes,
        ],
        middleware=[Middleware(FaultLayer, faults=faults, apis=apis)],
        exception_handlers={
            RefusedRequestError: refuse,
            sqlite3.OperationalError: full_disk.respond,
            OSError: full_disk.respond,
        },
        lifespan=lifespan,
    )
