"""Entry of the song service: `python -m song_service.main`."""

from starlette.types import ASGIApp

from shared.http.serve import serve
from shared.settings import load
from song_service.app import create_app
from song_service.settings import SERVICE, Settings
from song_service.stores import open_stores
from song_service.wiring import assemble


def app() -> ASGIApp:
    """The app as its environment describes it."""
    settings = load(Settings)
    return create_app(lambda: assemble(settings, lambda: open_stores(settings)))


if __name__ == "__main__":
    serve("song_service.main:app", SERVICE, load(Settings))
