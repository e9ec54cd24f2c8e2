"""The web player at `/`: the files of embedded/player, and its configuration.

The page talks to the gateway's REST API, to `POST /sign-in` and to `/faults`, and nothing else: the
Content-Security-Policy allows no other connection, no inline script or style, and no HTML made from strings.
"""

from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from embedded.cloud.settings import CloudSettings
from embedded.demo.people import ADMIN, ARTISTS, LISTENERS, Person

FOLDER = Path(__file__).parents[1] / "player"

# Covers and songs come from here, or from the real Cloudinary and Clerk when those are in use.
_MEDIA_HOSTS = "https://res.cloudinary.com"
_AVATAR_HOSTS = "https://img.clerk.com"


class _PlayerFiles(StaticFiles):
    """Revalidated at each use, so that a changed file is seen at once and an unchanged one costs a 304."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})
        return response


class PlayerPage:
    """`/` is the page, `/player/*` its files, `/player/config.json` the addresses and accounts it offers."""

    def __init__(self, settings: CloudSettings) -> None:
        self._gateway_url = settings.gateway_url
        self._headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": content_security_policy(settings),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._page),
            Route("/player/config.json", self._config),
            Mount("/player", GZipMiddleware(_PlayerFiles(directory=FOLDER))),
        ]

    async def _page(self, request: Request) -> Response:
        return FileResponse(FOLDER / "index.html", headers=self._headers)

    async def _config(self, request: Request) -> Response:
        accounts = [
            *(_account(person, "listener") for person in LISTENERS),
            *(_account(person, "artist") for person in ARTISTS),
            _account(ADMIN, "admin"),
        ]
        return JSONResponse(
            {"gatewayUrl": self._gateway_url, "accounts": accounts}, headers={"Cache-Control": "no-cache"}
        )


def content_security_policy(settings: CloudSettings) -> str:
    """Only this origin's own files run; only the gateway and this origin are called."""
    media = f"'self' blob: {settings.public_url} {_MEDIA_HOSTS}"
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' {settings.gateway_url}",
        "img-src": f"{media} {_AVATAR_HOSTS}",
        "media-src": media,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _account(person: Person, role: str) -> dict[str, str]:
    return {"email": person.email, "fullName": person.full_name, "role": role}
