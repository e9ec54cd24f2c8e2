"""Entry of the album service: `python -m album_service.main`."""

from starlette.types import ASGIApp

from album_service.app import create_app
from album_service.settings import SERVICE, Settings
from album_service.stores import open_stores
from album_service.wiring import assemble
from shared.http.serve import serve
from shared.settings import load


def app() -> ASGIApp:
    """The app as its environment describes it."""
    settings = load(Settings)
    return create_app(lambda: assemble(settings, lambda: open_stores(settings)))


if __name__ == "__main__":
    serve("album_service.main:app", SERVICE, load(Settings))
