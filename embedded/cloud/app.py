"""The local cloud: one ASGI app that answers as Clerk, Cloudinary and Recombee do, on one port.

Each provider is one object: an async context manager that opens what it keeps under `settings.data_dir` and
closes it again, with `routes`, a list to mount. Providers are told apart by path alone, as their real hosts
would be: `/v1/*` is Clerk's API, `/v1_1/*` Cloudinary's, `/{recombee_database_id}/*` Recombee's.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded.cloud.settings import CloudSettings


async def _alive(request: Request) -> Response:
    return Response(status_code=200)


def create_cloud(settings: CloudSettings) -> Starlette:
    """The app; its lifespan opens the stores and stops the background work."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack():
            yield

    return Starlette(routes=[Route("/livez", _alive)], lifespan=lifespan)
