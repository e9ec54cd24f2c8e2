"""The audit log through the gateway: changes by admins, newest first, and nobody else's."""

from typing import Any

from tests.system.media import make_album, upload
from tests.system.running import People, Person


async def audit_of(admin: Person, things: str, target_id: str) -> list[dict[str, Any]]:
    response = await admin.get(f"/admin/{things}/audit?targetId={target_id}")
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json()
    assert all(entry["targetId"] == target_id for entry in entries)
    return entries


async def test_hiding_a_song_is_audited(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    song = await upload(artist)
    await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": False})
    await artist.patch(f"/songs/{song['_id']}", json={"title": "The artist's own change"})
    await admin.delete(f"/songs/{song['_id']}")
    deleted, hidden = await audit_of(admin, "songs", song["_id"])
    assert hidden["at"].endswith("Z")
    assert (hidden["actorId"], hidden["action"]) == (admin.id, "song.visible")
    assert (hidden["before"], hidden["after"]) == ({"isVisible": True}, {"isVisible": False})
    assert (deleted["action"], deleted["after"]) == ("song.delete", None)
    assert deleted["before"]["title"] == "The artist's own change"


async def test_changing_an_album_is_audited(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    album = await make_album(artist, "Before")
    await admin.patch(f"/albums/{album['_id']}", json={"title": "After"})
    (entry,) = await audit_of(admin, "albums", album["_id"])
    assert (entry["before"]["title"], entry["after"]["title"]) == ("Before", "After")


async def test_audit_says_which_collaborator_changed(people: People) -> None:
    artist, admin, friend = await people.artist(), await people.admin(), await people.user()
    album = await make_album(artist)
    path = f"/albums/{album['_id']}/collaborators/{friend.id}"
    assert (await admin.put(path)).status_code == (await admin.delete(path)).status_code == 204
    removed, added = await audit_of(admin, "albums", album["_id"])
    for entry, before, after in ((added, [], [friend.id]), (removed, [friend.id], [])):
        assert (entry["before"]["collaboratorIds"], entry["after"]["collaboratorIds"]) == (before, after)


async def test_audit_says_which_songs_of_an_album_changed(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    album = await make_album(artist)
    path = f"/albums/{album['_id']}/songs"
    one, two, three, four = [(await upload(artist, albumId=album["_id"]))["_id"] for _ in range(4)]
    assert (await admin.put(path, json={"songIds": [one, three, two, four]})).is_success
    assert (await admin.delete(f"{path}/{two.upper()}")).is_success
    assert (await admin.post(path, json={"songId": two.upper(), "position": 0})).is_success
    added, removed, ordered = await audit_of(admin, "albums", album["_id"])
    songs = {"songIds", "songId", "position"}
    shown = [
        {name: value for name, value in entry[state].items() if name in songs}
        for entry in (ordered, removed, added)
        for state in ("before", "after")
    ]
    assert shown == [
        {"songIds": [two, three], "position": 1},
        {"songIds": [three, two], "position": 1},
        {"songId": two, "position": 2},
        {},
        {},
        {"songId": two, "position": 0},
    ]
    assert (added["before"]["songCount"], added["after"]["songCount"]) == (3, 4)


async def test_audit_is_filtered_by_target_in_any_case(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    song = await upload(artist)
    await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": False})
    response = await admin.get(f"/admin/songs/audit?total=true&targetId={song['_id'].upper()}")
    assert [entry["targetId"] for entry in response.json()] == [song["_id"]]
    assert response.headers["x-total-count"] == "1"


async def test_user_audit_holds_no_personal_data(people: People) -> None:
    user, admin = await people.user("Very Personal Name"), await people.admin()
    await admin.patch(f"/admin/users/{user.id}/role", json={"role": "artist"})
    await admin.patch(f"/admin/users/{user.id}/block", json={"isBlocked": True})
    await admin.delete(f"/admin/users/{user.id}")
    response = await admin.get(f"/admin/users/audit?targetId={user.id}")
    assert [entry["action"] for entry in response.json()] == ["user.delete", "user.block", "user.role"]
    assert response.json()[2]["before"] == {"role": "user"}
    assert response.json()[2]["after"] == {"role": "artist"}
    for personal in (user.email, user.full_name, user.clerk_id):
        assert personal not in response.text


async def test_refused_change_is_not_audited(people: People) -> None:
    admin = await people.admin()
    response = await admin.patch(f"/admin/users/{admin.id}/block", json={"isBlocked": True})
    assert response.status_code == 409
    assert "user.block" not in [entry["action"] for entry in await audit_of(admin, "users", admin.id)]


async def test_audit_log_is_paged(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    song = await upload(artist)
    for is_visible in (False, True, False):
        await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": is_visible})
    path = f"/admin/songs/audit?targetId={song['_id']}&limit=2&total=true"
    first = await admin.get(path)
    second = await admin.get(first.links["next"]["url"].removeprefix("/api"))
    assert [page.headers["X-Total-Count"] for page in (first, second)] == ["3", "3"]
    seen = [entry["after"]["isVisible"] for entry in (*first.json(), *second.json())]
    assert seen == [False, True, False]
