"""The page of the web player, as the local cloud serves it."""

import re

import httpx
import pytest

from embedded.cloud.player_page import FOLDER
from embedded.cloud.settings import CloudSettings

PAGE_WEIGHT_BYTES = 150_000


@pytest.fixture
async def http(cloud: CloudSettings) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=cloud.public_url, timeout=30)


async def test_page_allows_only_own_scripts_and_gateway(
    http: httpx.AsyncClient, cloud: CloudSettings
) -> None:
    async with http:
        page = await http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = dict(each.strip().split(" ", 1) for each in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {cloud.gateway_url}"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in page.headers["content-security-policy"]


async def test_page_loads_files_that_are_served(http: httpx.AsyncClient) -> None:
    async with http:
        page = (await http.get("/")).text
        files = re.findall(r'(?:src|href)="(/player/[^"]+)"', page)
        assert len(files) >= 5
        for file in files:
            response = await http.get(file)
            assert response.status_code == 200, file
            assert response.headers["cache-control"] == "no-cache"
            unchanged = await http.get(file, headers={"If-None-Match": response.headers["etag"]})
            assert unchanged.status_code == 304


async def test_page_is_smaller_than_promised(http: httpx.AsyncClient) -> None:
    """All files, as they are transferred: compressed."""
    weight = 0
    async with http:
        for path in (each for each in FOLDER.rglob("*") if each.suffix in (".js", ".css", ".html", ".svg")):
            response = await http.get(f"/player/{path.relative_to(FOLDER)}")
            weight += int(response.headers["content-length"])
    assert 20_000 < weight < PAGE_WEIGHT_BYTES


async def test_config_names_gateway_and_accounts_by_role(
    http: httpx.AsyncClient, cloud: CloudSettings
) -> None:
    async with http:
        config = (await http.get("/player/config.json")).json()
    assert config["gatewayUrl"] == cloud.gateway_url
    assert {account["role"] for account in config["accounts"]} == {"listener", "artist", "admin"}
    assert {"email": "admin@demo.local", "fullName": "Ada Admin", "role": "admin"} in config["accounts"]


def test_player_never_makes_html_from_text() -> None:
    unsafe = re.compile(r"(inner|outer|insertAdjacent)HTML|document\.write|\beval\(|new Function|DOMParser")
    assert {path.name for path in FOLDER.rglob("*.js") if unsafe.search(path.read_text())} == set()
