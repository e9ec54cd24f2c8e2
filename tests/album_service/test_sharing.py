"""Share links."""

from dataclasses import replace
from pathlib import Path

import pytest

from album_service.domain import AlbumHiddenError
from album_service.sharing import Sharing
from tests.album_service.fakes import Shares
from tests.repositories.builders import an_album
from tests.repositories.stores import SqliteStore


async def test_hidden_album_gets_no_link(tmp_path: Path) -> None:
    shares = Shares()
    async with SqliteStore(tmp_path).albums() as albums:
        sharing, album = Sharing(albums, shares), an_album(is_public=False)
        await albums.add(album)
        with pytest.raises(AlbumHiddenError):
            await sharing.share(replace(album, is_visible=False), None)
        assert shares.kept == {}
        link = await sharing.share(album, None)
        assert await sharing.album(link.token) == album
