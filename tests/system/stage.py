"""People of every kind, and songs and albums in every state, for tests of who may do what."""

from dataclasses import dataclass, field

from tests.system.media import make_album, upload
from tests.system.running import People, Person

STATES = ("listed", "private", "hidden")


@dataclass
class Stage:
    """`tokens` by kind of caller (anonymous has none); `things` are ids by kind and state."""

    tokens: dict[str, str] = field(default_factory=dict)
    clerk_ids: dict[str, str] = field(default_factory=dict)
    songs: dict[str, str] = field(default_factory=dict)
    albums: dict[str, str] = field(default_factory=dict)
    users_albums: dict[str, str] = field(default_factory=dict)
    spare_songs: list[str] = field(default_factory=list)
    user_id: str = ""
    blocked_id: str = ""

    def take(self, kind: str, person: Person) -> None:
        self.tokens[kind] = person.token
        self.clerk_ids[kind] = person.clerk_id


async def set_stage(people: People) -> Stage:
    """Everything that the table of calls is about."""
    stage = Stage()
    admin, owner, user_owner = await people.admin(), await people.artist("Olga Owner"), await people.user()
    blocked = await people.user("Bo Blocked")
    for kind, person in (
        ("user", await people.user()),
        ("artist", await people.artist("Other Artist")),
        ("owner", owner),
        ("user owner", user_owner),
        ("admin", admin),
        ("blocked", blocked),
    ):
        stage.take(kind, person)
    for kind in ("unregistered", "newcomer"):
        signed_in = await people.sign_in(f"{kind}-{owner.id}@test.local")
        stage.tokens[kind], stage.clerk_ids[kind] = signed_in["token"], signed_in["clerkId"]
    stage.user_id, stage.blocked_id = user_owner.id, blocked.id
    assert (await admin.patch(f"/admin/users/{blocked.id}/block", json={"isBlocked": True})).is_success
    stage.spare_songs = [(await upload(owner, f"Spare {number}"))["_id"] for number in (1, 2)]
    for state in STATES:
        stage.songs[state] = await song_in(state, owner, admin)
        stage.albums[state] = await album_in(state, owner, admin)
    for state in ("private", "hidden"):
        stage.users_albums[state] = await album_in(state, user_owner, admin)
    return stage


async def song_in(state: str, owner: Person, admin: Person) -> str:
    """The id of a new song of `owner`: listed, private, or hidden by the admin."""
    song_id = str((await upload(owner, state, isPublic="false" if state == "private" else "true"))["_id"])
    if state == "hidden":
        assert (await admin.patch(f"/admin/songs/{song_id}/visible", json={"isVisible": False})).is_success
    return song_id


async def album_in(state: str, owner: Person, admin: Person) -> str:
    """The id of a new album of `owner`: listed, private, or hidden by the admin."""
    album_id = str((await make_album(owner, state, public=state != "private"))["_id"])
    if state == "hidden":
        assert (await admin.patch(f"/admin/albums/{album_id}/visible", json={"isVisible": False})).is_success
    return album_id
