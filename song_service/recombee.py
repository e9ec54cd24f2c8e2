"""Recombee: the recommendation engine.

Items are songs and users are our users, by our ids. Nothing is created implicitly: a user is created with
their first interaction, a song with its catalogue entry, so that no deleted song returns and no unknown user
distorts the model.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from recombee_api_client.api_client import RecombeeClient, Region
from recombee_api_client.api_requests import (
    AddItemProperty,
    AddUser,
    Batch,
    DeleteUser,
    ListItems,
    RecommendItemsToItem,
    RecommendItemsToUser,
    Request,
)
from recombee_api_client.exceptions import ResponseException

from shared import tracing
from shared.circuit_breaker import Call, CircuitBreaker, CircuitBreakerPolicy
from shared.errors import UnavailableError
from shared.providers.counted_calls import CountedCalls
from song_service.domain import (
    ENGINE_DOWN,
    CatalogueEntry,
    EngineTimeoutError,
    Interaction,
    LikeChange,
)
from song_service.recombee_client import AsyncRecombeeClient, open_client
from song_service.recombee_requests import catalogue_request, interaction_request, like_request
from song_service.settings import RecombeeSettings

BATCH_SECONDS = 8.0
"""For a batch, which nobody waits for: less than the outbox's SENT_WITHIN."""

PROPERTIES = {
    **dict.fromkeys(("title", "artistId", "artistName", "genre", "mood", "albumId"), "string"),
    "duration": "int",
    "isListed": "boolean",
    "createdAt": "timestamp",
}
ONLY_LISTED = "'isListed'"

_ALREADY_THERE = 409
_NOT_KNOWN = 404

_counted = CountedCalls("recombee")

log = structlog.stdlib.get_logger(__name__)


class RecombeeEngine:
    """Implements RecommendationEngine.

    The circuit breaker is for recommendations: a failed batch does not count, a successful one does.
    """

    def __init__(
        self,
        client: AsyncRecombeeClient,
        timeout_seconds: float,
        batch_seconds: float = BATCH_SECONDS,
    ) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._batch_seconds = batch_seconds
        self._breaker = CircuitBreaker("recombee", CircuitBreakerPolicy(minimum_calls=3))

    async def prepare(self) -> None:
        await self._send_all([AddItemProperty(name, kind) for name, kind in PROPERTIES.items()])

    async def send_catalogue(self, entries: Sequence[CatalogueEntry]) -> None:
        await self._send_all([catalogue_request(entry) for entry in entries])

    async def send_interactions(self, interactions: Sequence[Interaction]) -> None:
        # The outbox sends each song first, so an unknown one was deleted since then, or permanently refused.
        listeners = dict.fromkeys(each.user_id for each in interactions)
        await self._send_all(
            [
                *(AddUser(user_id) for user_id in listeners),
                *(interaction_request(each) for each in interactions),
            ]
        )

    async def send_likes(self, changes: Sequence[LikeChange]) -> None:
        listeners = dict.fromkeys(each.user_id for each in changes)
        await self._send_all(
            [*(AddUser(user_id) for user_id in listeners), *(like_request(each) for each in changes)]
        )

    async def for_user(self, user_id: str, count: int) -> Sequence[str]:
        return await self._recommend(
            RecommendItemsToUser(user_id, count, scenario="for-you", filter=ONLY_LISTED, cascade_create=False)
        )

    async def similar(self, song_id: str, count: int) -> Sequence[str]:
        return await self._recommend(
            RecommendItemsToItem(
                song_id, None, count, scenario="similar", filter=ONLY_LISTED, cascade_create=False
            )
        )

    async def trending(self, on_behalf_of: str, count: int) -> Sequence[str]:
        return await self._recommend(
            RecommendItemsToUser(
                on_behalf_of,
                count,
                scenario="trending",
                logic={"name": "recombee:popular"},
                filter=ONLY_LISTED,
                rotation_rate=0.0,
                cascade_create=False,
            )
        )

    @_counted
    async def delete_user(self, user_id: str) -> None:
        try:
            await self._call(DeleteUser(user_id))
        except ResponseException as failure:
            if failure.status_code != _NOT_KNOWN:
                raise _unavailable() from failure

    async def ping(self) -> bool:
        await self._call(ListItems(count=1))
        return True

    async def _recommend(self, request: Request) -> Sequence[str]:
        """Requests wait for this and have a fallback, so a circuit breaker refuses calls to an engine that
        hangs.
        """
        call = self._breaker.try_call()
        if call is None:
            raise _unavailable()
        return await self._recommended(request, call)

    @_counted
    async def _recommended(self, request: Request, call: Call) -> Sequence[str]:
        try:
            response = await self._call(request, call)
        except ResponseException as failure:
            if failure.status_code == _NOT_KNOWN:
                return []
            raise _unavailable() from failure
        try:
            return [str(each["id"]) for each in response["recomms"]]
        except (KeyError, TypeError) as failure:
            raise _unavailable() from failure

    @_counted
    async def _send_all(self, requests_: Sequence[Request]) -> None:
        """Send them in one batch; "already exists" and "not found" count as success."""
        try:
            responses = await self._send(Batch(list(requests_)), self._batch_seconds)
        except ResponseException as failure:
            log.error("engine refused a batch", status=failure.status_code, requests=len(requests_))
            raise _unavailable() from failure
        self._breaker.bypass().succeeded()
        for request, code in zip(requests_, _codes(responses, len(requests_)), strict=True):
            if code >= 500 or code in (401, 403, 429):
                raise _unavailable()
            if code >= 400 and code not in (_ALREADY_THERE, _NOT_KNOWN):
                log.error("engine refused", request=type(request).__name__, code=code)

    async def _call(self, request: Request, call: Call | None = None) -> Any:
        """Like `_send`, with the short timeout. Reports the outcome to `call`, or to one that bypasses the
        breaker.
        """
        call = call or self._breaker.bypass()
        try:
            response = await self._send(request, self._timeout_seconds)
            call.succeeded()
        except UnavailableError:
            call.failed()
            raise
        except ResponseException:
            call.succeeded()
            raise
        finally:
            call.abandoned()
        return response

    async def _send(self, request: Request, seconds: float) -> Any:
        """The engine's response.

        Raises:
            ResponseException: it refused the request with a status of 400 to 499.
            EngineTimeoutError: it did not respond within `seconds`.
            UnavailableError: it cannot be reached, fails, or refuses our credentials.
        """
        try:
            with tracing.client_span(f"Recombee {type(request).__name__}"):
                async with asyncio.timeout(seconds):
                    return await self._client.send(request)
        except ResponseException as failure:
            if failure.status_code >= 500 or failure.status_code in (401, 403, 429):
                log.warning("engine failed", error=type(failure).__name__, status=failure.status_code)
                raise _unavailable() from failure
            raise
        except TimeoutError as failure:
            log.warning("engine timed out", request=type(request).__name__, seconds=seconds)
            raise EngineTimeoutError from failure
        except (httpx.HTTPError, ValueError) as failure:
            log.warning("engine failed", error=type(failure).__name__)
            raise _unavailable() from failure


def _codes(responses: Any, count: int) -> Sequence[int]:
    """The status of each response in a batch.

    Raises:
        UnavailableError: the engine did not return one status for each request.
    """
    try:
        codes = [int(each["code"]) for each in responses]
    except (KeyError, TypeError, ValueError) as failure:
        raise _unavailable() from failure
    if len(codes) != count:
        raise _unavailable()
    return codes


def _unavailable() -> UnavailableError:
    return UnavailableError(ENGINE_DOWN)


def _client(settings: RecombeeSettings) -> RecombeeClient:
    token = settings.recombee_private_token.get_secret_value()
    if settings.recombee_api_url is not None:
        address = urlsplit(settings.recombee_api_url)
        return RecombeeClient(
            settings.recombee_database_id,
            token,
            protocol=address.scheme,
            options={"base_uri": address.netloc},
        )
    return RecombeeClient(settings.recombee_database_id, token, region=_region(settings.recombee_region))


def _region(name: str) -> Region:
    return Region[name.upper().replace("-", "_")]


@asynccontextmanager
async def open_recombee(
    settings: RecombeeSettings, batch_seconds: float = BATCH_SECONDS
) -> AsyncIterator[RecombeeEngine]:
    """The engine; Recombee need not be reachable yet."""
    async with open_client(_client(settings)) as client:
        yield RecombeeEngine(client, settings.recombee_timeout_seconds, batch_seconds)
