"""Songs, interactions and likes as requests of Recombee's SDK."""

from recombee_api_client.api_requests import (
    AddBookmark,
    AddDetailView,
    AddPurchase,
    AddRating,
    DeleteBookmark,
    DeleteItem,
    Request,
    SetItemValues,
)

from song_service.domain import CatalogueEntry, Interaction, InteractionKind, LikeChange, Song

SKIP_RATING = -0.5


def catalogue_request(entry: CatalogueEntry) -> Request:
    """Updates the engine's entry of a song."""
    if entry.song is None:
        return DeleteItem(entry.song_id)
    return SetItemValues(entry.song_id, _values(entry.song), cascade_create=True)


def _values(song: Song) -> dict[str, object]:
    return {
        "title": song.title,
        "artistId": song.artist_id,
        "artistName": song.artist_name,
        "genre": song.genre,
        "mood": song.mood,
        "albumId": song.album_id,
        "duration": song.duration,
        "isListed": song.is_listed,
        "createdAt": song.created_at,
    }


def interaction_request(interaction: Interaction) -> Request:
    """Reports an interaction. The listener and the song must be known."""
    about = (interaction.user_id, interaction.song_id)
    if interaction.kind is InteractionKind.PLAY:
        return AddDetailView(*about, timestamp=interaction.at, cascade_create=False)
    if interaction.kind is InteractionKind.COMPLETE:
        return AddPurchase(*about, timestamp=interaction.at, cascade_create=False)
    return AddRating(*about, SKIP_RATING, timestamp=interaction.at, cascade_create=False)


def like_request(change: LikeChange) -> Request:
    """A withdrawal carries no time: it deletes every bookmark of this listener and song."""
    if change.is_liked:
        return AddBookmark(change.user_id, change.song_id, timestamp=change.at, cascade_create=False)
    return DeleteBookmark(change.user_id, change.song_id)
