"""Entry point: `python -m api_gateway.main`."""

from starlette.types import ASGIApp

from api_gateway import wiring
from api_gateway.app import create_app
from api_gateway.downstream.protocol import HttpProtocol
from api_gateway.health import SERVICE
from api_gateway.settings import Settings
from shared.http.serve import serve
from shared.settings import load


def create() -> ASGIApp:
    """The gateway as the environment describes it."""
    settings = load(Settings)
    return create_app(wiring.production(settings), settings.frontend_origins)


def main() -> None:
    """Serve until SIGTERM or SIGINT. Responses carry a date already, so the server adds none."""
    settings = load(Settings)
    serve(
        "api_gateway.main:create",
        SERVICE,
        settings,
        date_header=False,
        http=HttpProtocol,
        keep_alive_seconds=settings.keep_alive_seconds,
    )


if __name__ == "__main__":
    main()
