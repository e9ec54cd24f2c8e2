"""`/songs`: likes and history of a listener, and statistics for artists."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared.contracts.songs import SongIds, SongOut
from shared.http.idempotency import IdempotentRoute, only_reads
from shared.http.openapi import ETAGGED, LISTED
from shared.http.responses import json_response, list_response
from song_service.dependencies import Artist, Browsing, Library, Listener, SongId, Statistics, WantedPage
from song_service.schemas import ArtistStatistics, HistoryEntry, LikedIds

router = APIRouter(prefix="/songs", tags=["library"], route_class=IdempotentRoute)

Days = Annotated[int, Query(ge=1, le=365, description="Today and the days before it, in UTC")]


@router.get(
    "/liked",
    summary="Songs that the caller likes, most recent like first",
    response_model=list[SongOut],
    responses=LISTED,
)
async def liked_songs(request: Request, page: WantedPage, listener: Listener, library: Library) -> Response:
    total = await library.count_liked(listener) if page.total else None
    return list_response(request, await library.liked(listener, page), page, total)


@router.post("/liked/check", summary="The liked ones among up to 500 songs")
@only_reads
async def check_liked_songs(wanted: SongIds, listener: Listener, library: Library) -> LikedIds:
    return LikedIds(ids=await library.liked_among(listener, [each.lower() for each in wanted.ids]))


@router.get(
    "/history",
    summary="What the caller played, newest first",
    response_model=list[HistoryEntry],
    responses=LISTED,
)
async def listening_history(
    request: Request, page: WantedPage, listener: Listener, library: Library
) -> Response:
    total = await library.count_history(listener) if page.total else None
    return list_response(request, await library.history(listener, page), page, total)


@router.delete("/history", status_code=204, summary="Clear the history; statistics keep the plays")
async def clear_history(listener: Listener, library: Library) -> None:
    await library.clear_history(listener)


@router.get(
    "/artist/stats",
    summary="Plays, listeners and likes of the artist's own songs",
    response_model=ArtistStatistics,
    responses=ETAGGED,
)
async def artist_statistics(
    request: Request, artist: Artist, statistics: Statistics, days: Days = 28
) -> Response:
    report = await statistics.of_artist(artist.id, days)
    return json_response(request, report.model_dump_json(by_alias=True).encode())


@router.put("/{song_id}/like", status_code=204, summary="Like a song; idempotent")
async def like_song(song_id: SongId, listener: Listener, browsing: Browsing, library: Library) -> None:
    await library.like(listener, await browsing.song(song_id, listener))


@router.delete("/{song_id}/like", status_code=204, summary="Withdraw a like; idempotent")
async def unlike_song(song_id: SongId, listener: Listener, browsing: Browsing, library: Library) -> None:
    await library.unlike(listener, await browsing.song(song_id, listener))
