"""The album service as a function of its resources."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp

from album_service import admin_routes, internal_routes, playlist_routes, routes
from album_service.dependencies import Resources, resources
from album_service.settings import SERVICE
from shared.http.service_app import service_app


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> ASGIApp:
    """The app; its lifespan opens and closes its resources."""
    routers = (playlist_routes.router, routes.router, admin_routes.router, internal_routes.router)
    return service_app(SERVICE, open_resources, resources, *routers)
