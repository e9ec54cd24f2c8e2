"""`/openapi.json` and `/docs`: the API of all services. The page works offline."""

from importlib import resources
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse, Response

from api_gateway.description import ApiDescription
from shared.errors import NotFoundError

_ASSETS = Path(str(resources.files("fastapi_offline"))) / "static"
_NAMES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def describe(request: Request) -> Response:
    description = cast("ApiDescription", request.state.description)
    headers = {"Cache-Control": "no-cache"}
    return Response(await description.document(), headers=headers, media_type="application/json")


@router.get("/docs")
async def docs() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Music streaming API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )


@router.get("/docs/assets/{name}")
async def docs_asset(name: str) -> FileResponse:
    if name not in _NAMES:
        raise NotFoundError("No such file")
    return FileResponse(_ASSETS / name, headers={"Cache-Control": "public, max-age=86400"})
