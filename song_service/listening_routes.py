"""`/songs`: recommendations, and tracking of interactions."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from shared.contracts.songs import SongOut
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import ETAGGED
from shared.http.responses import json_response
from shared.http.schemas import Message
from song_service.dependencies import (
    Anyone,
    Browsing,
    Discovery,
    Listener,
    Listening,
    Recommended,
    SongId,
    Visitor,
)
from song_service.domain import InteractionKind

router = APIRouter(prefix="/songs", tags=["listening"], route_class=IdempotentRoute)

Count = Annotated[int, Query(ge=1, le=50, description="Maximum number of songs")]
IdempotencyKey = Annotated[
    str | None, Header(max_length=255, description="Requests with the same key count once")
]


@router.get("/trending", summary="Popular now, best first", response_model=list[SongOut], responses=ETAGGED)
async def trending_songs(request: Request, _: Visitor, discovery: Discovery, count: Count = 20) -> Response:
    return json_response(request, await discovery.trending(count))


@router.get(
    "/recommendations/for-you",
    summary="For this listener, best first",
    response_model=list[SongOut],
    responses=ETAGGED,
)
async def for_you(
    request: Request, listener: Recommended, discovery: Discovery, count: Count = 10
) -> Response:
    return json_response(request, await discovery.for_user(listener.id, count))


@router.get(
    "/{song_id}/similar",
    summary="Like this song, best first",
    response_model=list[SongOut],
    responses=ETAGGED,
)
async def similar_songs(
    request: Request,
    song_id: SongId,
    caller: Anyone,
    browsing: Browsing,
    discovery: Discovery,
    count: Count = 10,
) -> Response:
    song = await browsing.song(song_id, caller)
    return json_response(request, await discovery.similar(song, count))


@router.post("/{song_id}/track/play", summary="The listener started this song", response_model=Message)
async def track_play(
    song_id: SongId,
    listener: Listener,
    browsing: Browsing,
    listening: Listening,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    duration = await browsing.duration(song_id, listener)
    await listening.track(listener, song_id, duration, InteractionKind.PLAY, idempotency_key)
    return _message("Play tracked")


@router.post(
    "/{song_id}/track/complete", summary="The listener played this song to its end", response_model=Message
)
async def track_completion(
    song_id: SongId,
    listener: Listener,
    browsing: Browsing,
    listening: Listening,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    duration = await browsing.duration(song_id, listener)
    await listening.track(listener, song_id, duration, InteractionKind.COMPLETE, idempotency_key)
    return _message("Completion tracked")


@router.post("/{song_id}/track/skip", summary="The listener skipped this song", response_model=Message)
async def track_skip(
    song_id: SongId,
    listener: Listener,
    browsing: Browsing,
    listening: Listening,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    duration = await browsing.duration(song_id, listener)
    await listening.track(listener, song_id, duration, InteractionKind.SKIP, idempotency_key)
    return _message("Skip tracked")


def _message(text: str) -> Response:
    return JSONResponse({"message": text})
