"""Entry of the user service: `python -m user_service.main`."""

from starlette.types import ASGIApp

from shared.http.serve import serve
from shared.settings import load
from user_service.app import create_app
from user_service.settings import SERVICE, Settings
from user_service.stores import open_stores
from user_service.wiring import assemble


def app() -> ASGIApp:
    """The app as its environment describes it."""
    settings = load(Settings)
    return create_app(lambda: assemble(settings, lambda: open_stores(settings)))


if __name__ == "__main__":
    serve("user_service.main:app", SERVICE, load(Settings))
