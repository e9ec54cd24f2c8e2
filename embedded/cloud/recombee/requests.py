"""Dispatches requests to the local Recombee, single or in a batch, by method and path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloud.recombee.catalogue import CatalogueRequests
from embedded.cloud.recombee.interactions import KINDS, InteractionRequests
from embedded.cloud.recombee.parameters import Parameters, RecombeeError
from embedded.cloud.recombee.recommendations import RecommendationRequests, Shown
from embedded.cloud.recombee.recommender import Recommender
from embedded.cloud.recombee.store import Owner, RecombeeStore

MOST_IN_BATCH = 10_000


@dataclass(frozen=True)
class ApiResponse:
    status: int
    body: Any


@dataclass(frozen=True)
class Call:
    """`name` is the part of the path that differs; `shown` is None unless a batch wants distinct items."""

    parameters: Parameters
    name: str
    shown: Shown | None


Handler = Callable[[Call], tuple[int, Any]]


def refusal(status: int, message: str) -> ApiResponse:
    return ApiResponse(status, {"statusCode": status, "message": message})


class RecombeeRequests:
    """Handles requests with one store, on the thread of the store."""

    def __init__(self, store: RecombeeStore, recommender: Recommender) -> None:
        self._store = store
        # By the parts of the path, the one that differs written "*", then by method.
        self._handlers: dict[tuple[str, ...], dict[str, Handler]] = {}
        for owner in ("items", "users"):
            self._serve_catalogue(owner, CatalogueRequests(store, owner))
        for path, kind in KINDS.items():
            self._serve_interactions(path, InteractionRequests(store, kind))
        self._serve_recommendations(RecommendationRequests(store, recommender))
        self._serve("DELETE", "", self._reset)

    def respond(self, method: str, path: str, given: Mapping[str, Any]) -> ApiResponse:
        """One transaction. `path` begins with a slash; `given` are the parameters of query and body together.

        Any other exception is an internal error; nothing is changed then.
        """
        with self._store.transaction():
            if path == "/batch/" and method == "POST":
                return self._batch(given)
            return self._one(method, path, given, None)

    def _serve(self, method: str, path: str, handler: Handler) -> None:
        self._handlers.setdefault(tuple(path.split("/")), {})[method] = handler

    def _serve_catalogue(self, owner: Owner, requests: CatalogueRequests) -> None:
        serve = self._serve
        serve("GET", f"{owner}/list/", lambda call: requests.list_all(call.parameters))
        serve("PUT", f"{owner}/*", lambda call: requests.add(call.parameters, call.name))
        serve("POST", f"{owner}/*", lambda call: requests.set_values(call.parameters, call.name))
        serve("GET", f"{owner}/*", lambda call: requests.get_values(call.parameters, call.name))
        serve("DELETE", f"{owner}/*", lambda call: requests.remove(call.parameters, call.name))
        serve("GET", f"{owner}/properties/list/", lambda call: requests.list_properties(call.parameters))
        serve("PUT", f"{owner}/properties/*", lambda call: requests.add_property(call.parameters, call.name))

    def _serve_interactions(self, path: str, requests: InteractionRequests) -> None:
        serve = self._serve
        serve("POST", f"{path}/", lambda call: requests.add(call.parameters))
        serve("DELETE", f"{path}/", lambda call: requests.remove(call.parameters))
        serve("GET", f"users/*/{path}/", lambda call: requests.of_user(call.parameters, call.name))
        serve("GET", f"items/*/{path}/", lambda call: requests.of_item(call.parameters, call.name))

    def _serve_recommendations(self, requests: RecommendationRequests) -> None:
        serve = self._serve
        serve(
            "POST",
            "recomms/users/*/items/",
            lambda call: requests.to_user(call.parameters, call.name, call.shown),
        )
        serve(
            "POST",
            "recomms/items/*/items/",
            lambda call: requests.to_item(call.parameters, call.name, call.shown),
        )

    def _reset(self, call: Call) -> tuple[int, Any]:
        call.parameters.refuse_others()
        self._store.erase()
        return 200, "ok"

    def _batch(self, given: Mapping[str, Any]) -> ApiResponse:
        requests, distinct = given.get("requests"), given.get("distinctRecomms")
        if not isinstance(requests, list) or not all(_is_request(request) for request in requests):
            return refusal(400, "requests must be a list of objects with method, path and params")
        if len(requests) > MOST_IN_BATCH:
            return refusal(400, f"A batch may have at most {MOST_IN_BATCH} requests")
        if distinct not in (None, True, False):
            return refusal(400, "distinctRecomms must be true or false")
        shown: Shown | None = {} if distinct else None
        responses = [
            self._one(request["method"].upper(), request["path"], request.get("params") or {}, shown)
            for request in requests
        ]
        return ApiResponse(200, [{"code": response.status, "json": response.body} for response in responses])

    def _one(self, method: str, path: str, given: Mapping[str, Any], shown: Shown | None) -> ApiResponse:
        handlers, name = self._find(path)
        if method not in handlers:
            return refusal(501, f"Not implemented by the stand-in: {method} {path}")
        try:
            return ApiResponse(*handlers[method](Call(Parameters(given), name, shown)))
        except RecombeeError as error:
            return refusal(error.status, error.message)

    def _find(self, path: str) -> tuple[Mapping[str, Handler], str]:
        parts = tuple(path.removeprefix("/").split("/"))
        if parts in self._handlers:
            return self._handlers[parts], ""
        for at, part in enumerate(parts):
            handlers = self._handlers.get((*parts[:at], "*", *parts[at + 1 :]))
            if handlers and part:
                return handlers, part
        return {}, ""


def _is_request(request: object) -> bool:
    return (
        isinstance(request, dict)
        and isinstance(request.get("method"), str)
        and isinstance(request.get("path"), str)
        and isinstance(request.get("params") or {}, dict)
    )
