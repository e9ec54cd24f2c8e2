"""Requests that recommend items."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from embedded.cloud.recombee.catalogue import read_filter, read_returned, required, returned_values
from embedded.cloud.recombee.parameters import Parameters, RecombeeError, checked_id
from embedded.cloud.recombee.ranking import Variety
from embedded.cloud.recombee.recommender import Recommender, Wanted
from embedded.cloud.recombee.store import RecombeeStore

MOST_RECOMMENDED = 10_000
POPULAR = "recombee:popular"
USER_LOGICS = ("recombee:default", "recombee:homepage", "recombee:personal", POPULAR)
ITEM_LOGICS = ("recombee:default", "recombee:similar", POPULAR)
# The logic of a request that names none, by its scenario.
SCENARIOS: Mapping[str, str] = {
    "for-you": "recombee:personal",
    "homepage": "recombee:personal",
    "similar": "recombee:similar",
    "trending": POPULAR,
}
# What a song must have of the best one's score.
MIN_RELEVANCE: Mapping[str, float] = {"low": 0.0, "medium": 0.1, "high": 0.3}

# Items that each user got in this batch already, when the batch wants them distinct.
Shown = dict[str, set[str]]


class RecommendationRequests:
    def __init__(self, store: RecombeeStore, recommender: Recommender) -> None:
        self._store = store
        self._recommender = recommender

    def to_user(self, parameters: Parameters, user_id: str, shown: Shown | None) -> tuple[int, Any]:
        """404 for an unknown user without cascadeCreate: this is how we read the documentation."""
        checked_id("userId", user_id)
        return self._recommend(parameters, shown, user_id=user_id, item_id=None, logics=USER_LOGICS)

    def to_item(self, parameters: Parameters, item_id: str, shown: Shown | None) -> tuple[int, Any]:
        checked_id("itemId", item_id)
        user_id = parameters.optional_id("targetUserId")
        return self._recommend(parameters, shown, user_id=user_id, item_id=item_id, logics=ITEM_LOGICS)

    def _recommend(
        self,
        parameters: Parameters,
        shown: Shown | None,
        *,
        user_id: str | None,
        item_id: str | None,
        logics: Collection[str],
    ) -> tuple[int, Any]:
        count = parameters.whole("count", lowest=1, highest=MOST_RECOMMENDED)
        if count is None:
            raise RecombeeError(400, "count is missing")
        logic = _logic(parameters, logics)
        item_filter = read_filter(self._store, "items", parameters)
        returned = read_returned(self._store, "items", parameters)
        variety = Variety(parameters.number("diversity", lowest=0.0, highest=1.0) or 0.0)
        lowest_liking = _lowest_liking(parameters)
        _refuse_rotation(parameters)
        create = parameters.flag("cascadeCreate")
        parameters.refuse_others()
        if item_id is not None:
            required(self._store, "items", item_id, create=create)
        user = None if user_id is None else required(self._store, "users", user_id, create=create)
        before = shown.setdefault(user_id, set()) if shown is not None and user_id is not None else set()
        found = self._find(logic, user, item_id, Wanted(count, item_filter, before, variety, lowest_liking))
        before |= set(found)
        recomms = [self._entry(each, returned) for each in found]
        return 200, {"recommId": str(uuid.uuid4()), "recomms": recomms, "numberNextRecommsCalls": 0}

    def _find(self, logic: str, user: int | None, item_id: str | None, wanted: Wanted) -> list[str]:
        if item_id is not None:
            if logic == POPULAR:
                own = {*wanted.without, item_id}
                return self._recommender.popular(Wanted(wanted.count, wanted.song_filter, own))
            return self._recommender.similar(item_id, user, wanted)
        if logic == POPULAR or user is None:
            return self._recommender.popular(wanted)
        return self._recommender.personal(user, wanted)

    def _entry(self, item_id: str, returned: list[str] | None) -> dict[str, Any]:
        if returned is None:
            return {"id": item_id}
        values = self._store.values(required(self._store, "items", item_id))
        return {"id": item_id, "values": returned_values(values, returned)}


def _logic(parameters: Parameters, logics: Collection[str]) -> str:
    """The logic that is named, as text or {"name"}, or else the scenario's. Settings are not supported."""
    scenario, given = parameters.text("scenario"), parameters.value("logic")
    if scenario is not None and scenario not in SCENARIOS:
        raise RecombeeError(400, f"scenario must be one of {', '.join(SCENARIOS)}")
    if isinstance(given, dict):
        if given.get("settings"):
            raise RecombeeError(400, "Not supported here: settings of a logic")
        given = given.get("name")
    if given is None:
        given = "recombee:default" if scenario is None else SCENARIOS[scenario]
    if given not in logics:
        raise RecombeeError(400, f"logic must be one of {', '.join(logics)} for this request")
    return str(given)


def _lowest_liking(parameters: Parameters) -> float:
    relevance = parameters.text("minRelevance")
    if relevance is None:
        return 0.0
    if relevance not in MIN_RELEVANCE:
        raise RecombeeError(400, f"minRelevance must be one of {', '.join(MIN_RELEVANCE)}")
    return MIN_RELEVANCE[relevance]


def _refuse_rotation(parameters: Parameters) -> None:
    """Recommending less of what was recommended a moment ago is not supported; asking for none of it is."""
    if parameters.number("rotationRate", lowest=0.0, highest=1.0):
        raise RecombeeError(400, "Not supported here: a rotationRate above 0")
