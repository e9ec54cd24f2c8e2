"""The song service as a function of its resources."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp

from shared.http.service_app import service_app
from song_service import admin_routes, internal_routes, library_routes, listening_routes, routes
from song_service.dependencies import Resources, resources
from song_service.settings import SERVICE


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> ASGIApp:
    """The app; its lifespan opens and closes its resources."""
    routers = (listening_routes.router, library_routes.router, routes.router, admin_routes.router)
    return service_app(SERVICE, open_resources, resources, *routers, internal_routes.router)
