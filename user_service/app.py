"""The user service as a function of the things it talks to."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp

from shared.http.service_app import service_app
from user_service import admin_routes, routes, webhook_routes
from user_service.dependencies import Resources, resources
from user_service.settings import SERVICE


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> ASGIApp:
    """The app; its lifespan opens what it talks to, and closes it."""
    return service_app(
        SERVICE, open_resources, resources, routes.router, admin_routes.router, webhook_routes.router
    )
