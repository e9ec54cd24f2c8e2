"""The contract of `AlbumRepository` for collaborators and revisions, and of `ShareRepository`."""

import asyncio
from dataclasses import replace

from album_service.domain import StoredShare
from album_service.ports import AlbumFilter, AlbumRepository, ShareRepository
from shared.http.pagination import Slice
from tests.repositories.builders import NOON, an_album, minutes

ADA, BILL = "a" * 24, "b" * 24


async def test_collaborators_are_returned_as_stored(albums: AlbumRepository) -> None:
    album = replace(an_album(), collaborator_ids=(ADA, BILL))
    await albums.add(album)
    assert await albums.get(album.id) == album
    changed = await albums.change(album.id, {"collaborator_ids": (BILL,)})
    assert changed is not None
    assert (changed.collaborator_ids, changed.revision) == ((BILL,), album.revision + 1)


async def test_songs_and_collaborators_change_at_one_revision_only(albums: AlbumRepository) -> None:
    album = an_album(song_ids=("1" * 24, "2" * 24))
    await albums.add(album)
    changed = await albums.change(album.id, {"song_ids": ("2" * 24, "1" * 24)}, if_revision=1)
    assert changed is not None
    assert changed.song_ids == ("2" * 24, "1" * 24)
    assert await albums.change(album.id, {"song_ids": ()}, if_revision=1) is None
    assert await albums.change(album.id, {"collaborator_ids": (ADA,)}, if_revision=1) is None
    assert await albums.get(album.id) == changed


async def test_concurrent_changes_at_one_revision_let_one_win(albums: AlbumRepository) -> None:
    album = an_album()
    await albums.add(album)
    orders = [(f"{number:024x}",) for number in range(8)]
    changed = await asyncio.gather(
        *(albums.change(album.id, {"song_ids": each}, if_revision=1) for each in orders)
    )
    won = [each for each in changed if each is not None]
    assert len(won) == 1
    assert await albums.get(album.id) == won[0]


async def test_albums_are_listed_by_collaborator(albums: AlbumRepository) -> None:
    both = replace(an_album(created_at=NOON), collaborator_ids=(ADA, BILL))
    of_ada = replace(an_album(created_at=NOON + minutes(1)), collaborator_ids=(ADA,))
    hidden = replace(an_album(is_visible=False, created_at=NOON - minutes(1)), collaborator_ids=(ADA,))
    for album in (both, of_ada, hidden, an_album(creator_id=ADA)):
        await albums.add(album)
    wanted = AlbumFilter(collaborator_id=ADA)
    assert list(await albums.list(wanted, Slice(9))) == [of_ada, both, hidden]
    assert await albums.count(wanted) == 3
    visible = AlbumFilter(collaborator_id=ADA, visible_only=True)
    assert list(await albums.list(visible, Slice(9))) == [of_ada, both]
    await albums.change(both.id, {"collaborator_ids": (ADA,)})
    await albums.remove(of_ada.id)
    assert await albums.count(AlbumFilter(collaborator_id=BILL)) == 0
    assert await albums.count(visible) == 1


async def test_album_is_removed_at_its_revision_only(albums: AlbumRepository) -> None:
    album = an_album()
    await albums.add(album)
    assert not await albums.remove(album.id, if_revision=2)
    assert await albums.get(album.id) == album
    assert await albums.remove(album.id, if_revision=1)


async def test_share_is_found_until_it_expires(shares: ShareRepository) -> None:
    await shares.add(StoredShare("limited", ADA, NOON, NOON + minutes(1)))
    await shares.add(StoredShare("for ever", BILL, NOON, None))
    assert await shares.find("limited", NOON) == ADA
    assert await shares.find("limited", NOON + minutes(1)) is None
    assert await shares.find("for ever", NOON + minutes(10**6)) == BILL
    assert await shares.find("unknown", NOON) is None


async def test_revoked_shares_are_not_found(shares: ShareRepository) -> None:
    for name, album_id in (("one", ADA), ("two", ADA), ("other", BILL)):
        await shares.add(StoredShare(name, album_id, NOON, None))
    await shares.revoke(ADA)
    await shares.revoke(ADA)
    assert [await shares.find(name, NOON) for name in ("one", "two", "other")] == [None, None, BILL]


async def test_shares_of_an_album_are_paged(shares: ShareRepository) -> None:
    of_ada = [
        StoredShare(f"{number}f", ADA, NOON, NOON + minutes(1) if number % 2 else None) for number in range(5)
    ]
    for share in (*reversed(of_ada), StoredShare("0a", BILL, NOON, None)):
        await shares.add(share)
    seen: list[StoredShare] = []
    after: str | None = None
    while found := await shares.list(ADA, 2, after):
        assert len(found) <= 2
        seen += found
        after = found[-1].token_hash
    assert seen == of_ada
    await shares.revoke(ADA)
    assert await shares.list(ADA, 9, None) == []
