"""The user service as a function of its resources."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp

from shared.http.service_app import service_app
from user_service import admin_routes, internal_routes, routes, webhook_routes
from user_service.dependencies import Resources, resources
from user_service.settings import SERVICE


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> ASGIApp:
    """The app; its lifespan opens and closes its resources."""
    return service_app(
        SERVICE,
        open_resources,
        resources,
        routes.router,
        admin_routes.router,
        webhook_routes.router,
        internal_routes.router,
    )
