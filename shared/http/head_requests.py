"""HEAD is answered wherever GET is, as HTTP asks: the same headers, and no body."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """A layer around an app that knows GET only. The server leaves the body of an answer to HEAD out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}
        await self._app(asked, receive, send)
        scope["route"] = asked.get("route")
