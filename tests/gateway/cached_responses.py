"""A response cache in memory, before a service that a test plays."""

from dataclasses import dataclass, field

from api_gateway.headers import Headers
from api_gateway.ports import ApiRequest, CachedResponse
from api_gateway.response_cache import GatewayResponseCache
from api_gateway.route_table import find_target
from shared.cache.lease import Lease
from shared.cache.store import version_key
from shared.cache.validation import Validator
from tests.shared.memory_cache import MemoryCache

ADA, BOB = b"Bearer ada", b"Bearer bob"
SONG = b"/api/songs/1"
SHARED, PRIVATE = b"shared, max-age=60", b"max-age=60"
ADAS_ID, BOBS_ID = b"ada1", b"b0b1"
ETAG = b'"abc"'
BEGAN_AT = 1000.0
"""What the clock of a cache says at first."""


def a_request(
    path: bytes = SONG, token: bytes | None = None, *, method: str = "GET", more: Headers | None = None
) -> ApiRequest:
    path, _, query = path.partition(b"?")
    target = find_target(path)
    assert target is not None
    headers = [(b"host", b"localhost"), *([(b"authorization", token)] if token else []), *(more or [])]
    return ApiRequest(method, target, query, headers, "192.0.2.1", asked_at=BEGAN_AT)


@dataclass
class World:
    """A cache before a service that a test plays; `now` is what its clock says."""

    redis: MemoryCache = field(default_factory=MemoryCache)
    now: float = BEGAN_AT

    def __post_init__(self) -> None:
        self.validator = Validator(self.redis, Lease(self.redis, retry_seconds=0.001))
        self.cache = GatewayResponseCache(self.validator, 1_000_000, lambda: self.now)

    async def version_of(self, tag: str) -> bytes:
        await self.redis.begin([tag])
        (version,) = await self.redis.get([version_key(tag)])
        assert version is not None
        return version.replace(b"-", b"")

    async def serve(
        self,
        control: bytes,
        request: ApiRequest | None = None,
        *,
        body: bytes = b"response",
        more: Headers | None = None,
        keys: bytes = b"",
        status: int = 200,
        token: bytes | None = None,
        caller: bytes | None = None,
    ) -> bool:
        """The service responds, and the response is relayed; whether it is recorded.

        It depends on a song, and on `keys`. `token` is what it says of the token; `caller` adds whose that
        is.
        """
        request = request or a_request()
        keys = (b"song:1=%s %s" % (await self.version_of("song:1"), keys)).strip()
        headers = [
            (b"content-type", b"application/json"),
            (b"etag", ETAG),
            (b"vary", b"Authorization"),
            (b"surrogate-control", control),
            (b"surrogate-key", keys),
            *(more or []),
        ]
        if token is not None and caller is not None:
            token += b", caller=%s user:%s=%s" % (
                caller,
                caller,
                await self.version_of(f"user:{caller.decode()}"),
            )
        if token is not None:
            headers.append((b"surrogate-token", token))
        recording = self.cache.record(request, status, headers)
        if recording is None:
            return False
        for begin in range(0, len(body), 3):
            recording.add(body[begin : begin + 3])
        recording.complete()
        return True

    async def find(self, request: ApiRequest | None = None) -> CachedResponse | None:
        return await self.cache.find(request or a_request())

    async def has(self, request: ApiRequest | None = None) -> bool:
        return await self.find(request) is not None


class WordsWithoutDash(MemoryCache):
    """Versions as they come over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._words = (b"word%d" % number for number in range(10**9))
