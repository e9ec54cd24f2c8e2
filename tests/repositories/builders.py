"""Things to store, with visible defaults."""

from datetime import UTC, datetime, timedelta

from album_service.domain import Album
from shared.access.permissions import Role
from shared.ids import new_id
from shared.ports import StoredAudio, StoredImage
from song_service.domain import Interaction, InteractionKind, Song
from user_service.domain import User

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def a_user(
    *,
    clerk_id: str | None = None,
    full_name: str = "Ada Lovelace",
    email: str | None = None,
    role: Role = Role.USER,
    is_blocked: bool = False,
    created_at: datetime = NOON,
    user_id: str | None = None,
) -> User:
    made_id = user_id or new_id()
    return User(
        id=made_id,
        clerk_id=clerk_id or f"user_{made_id}",
        full_name=full_name,
        email=email or f"{made_id}@example.org",
        image_url="https://images.example.org/ada.png",
        role=role,
        is_blocked=is_blocked,
        created_at=created_at,
        updated_at=created_at,
    )


def a_song(
    *,
    title: str = "Blue in Green",
    artist_id: str = "a" * 24,
    artist_name: str = "Bill Evans",
    genre: str | None = "jazz",
    mood: str | None = None,
    album_id: str | None = None,
    duration: int = 327,
    is_public: bool = True,
    is_visible: bool = True,
    created_at: datetime = NOON,
    song_id: str | None = None,
) -> Song:
    made_id = song_id or new_id()
    return Song(
        id=made_id,
        title=title,
        artist_id=artist_id,
        artist_name=artist_name,
        image=StoredImage(f"songs/{made_id}/image", f"https://media.example.org/{made_id}.jpg"),
        audio=StoredAudio(
            f"songs/{made_id}/audio",
            f"https://media.example.org/{made_id}.wav",
            f"https://media.example.org/br_64k/{made_id}.mp3",
            f"https://media.example.org/br_128k/{made_id}.mp3",
            f"https://media.example.org/br_320k/{made_id}.mp3",
        ),
        duration=duration,
        album_id=album_id,
        genre=genre,
        mood=mood,
        is_public=is_public,
        is_visible=is_visible,
        created_at=created_at,
        updated_at=created_at,
    )


def an_album(
    *,
    title: str = "Kind of Blue",
    creator_id: str = "c" * 24,
    song_ids: tuple[str, ...] = (),
    is_public: bool = True,
    is_visible: bool = True,
    created_at: datetime = NOON,
    album_id: str | None = None,
) -> Album:
    made_id = album_id or new_id()
    return Album(
        id=made_id,
        title=title,
        creator_id=creator_id,
        creator_name="Miles Davis",
        image=StoredImage(f"albums/{made_id}/image", f"https://media.example.org/{made_id}.jpg"),
        song_ids=song_ids,
        is_public=is_public,
        is_visible=is_visible,
        created_at=created_at,
        updated_at=created_at,
    )


def an_interaction(
    *,
    user_id: str = "b" * 24,
    song_id: str = "d" * 24,
    kind: InteractionKind = InteractionKind.PLAY,
    at: datetime = NOON,
    dedup_key: str | None = None,
) -> Interaction:
    made_id = new_id()
    return Interaction(
        id=made_id, user_id=user_id, song_id=song_id, kind=kind, at=at, dedup_key=dedup_key or made_id
    )
