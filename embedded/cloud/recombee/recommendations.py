"""Requests that recommend or search items, and the next ones after those."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded.cloud.recombee.catalogue import read_filter, read_returned, required, returned_values
from embedded.cloud.recombee.parameters import Parameters, RecombeeError, checked_id
from embedded.cloud.recombee.recommender import Recommender, Wanted
from embedded.cloud.recombee.reql import Filter
from embedded.cloud.recombee.store import RecombeeStore

MOST_RECOMMENDED = 10_000
# A next page can be asked for up to 30 minutes after the last; beyond this many the oldest are forgotten.
NEXT_WITHIN_SECONDS = 30 * 60
REMEMBERED_PAGES = 5_000
# Options of the real service whose absence changes only how good the answer is, never what may be in it.
WITHOUT_EFFECT = (
    "scenario",
    "diversity",
    "minRelevance",
    "rotationRate",
    "rotationTime",
    "userImpact",
    "expertSettings",
    "returnAbGroup",
)
USER_LOGICS = ("recombee:default", "recombee:homepage", "recombee:personal", "recombee:popular")
ITEM_LOGICS = ("recombee:default", "recombee:similar", "recombee:popular")
SEARCH_LOGICS = ("recombee:default", "search:personalized")

# Items that each user got in this batch already, when the batch wants them distinct.
Shown = dict[str, set[str]]


@dataclass(frozen=True)
class Question:
    """One request to recommend, ready to be answered, and to be answered further."""

    user_id: str | None
    item_id: str | None
    query: str | None
    popular: bool
    item_filter: Filter | None
    returned: list[str] | None


@dataclass
class Page:
    """What was asked, what was answered so far, and when the last of it was (seconds, monotonic)."""

    question: Question
    shown: set[str] = field(default_factory=set)
    calls: int = 0
    at: float = 0.0


class RecommendationRequests:
    def __init__(self, store: RecombeeStore, recommender: Recommender) -> None:
        self._store = store
        self._recommender = recommender
        self._pages: OrderedDict[str, Page] = OrderedDict()

    def to_user(self, parameters: Parameters, user_id: str, shown: Shown | None) -> tuple[int, Any]:
        """404 for an unknown user without cascadeCreate: this is how we read the documentation."""
        checked_id("userId", user_id)
        return self._first(parameters, shown, user_id=user_id, logics=USER_LOGICS)

    def to_item(self, parameters: Parameters, item_id: str, shown: Shown | None) -> tuple[int, Any]:
        checked_id("itemId", item_id)
        user_id = parameters.optional_id("targetUserId")
        return self._first(parameters, shown, user_id=user_id, item_id=item_id, logics=ITEM_LOGICS)

    def search(self, parameters: Parameters, user_id: str, shown: Shown | None) -> tuple[int, Any]:
        checked_id("userId", user_id)
        query = parameters.text("searchQuery")
        if query is None or not query.strip():
            raise RecombeeError(400, "searchQuery is missing")
        return self._first(parameters, shown, user_id=user_id, query=query, logics=SEARCH_LOGICS)

    def next_items(self, parameters: Parameters, recomm_id: str) -> tuple[int, Any]:
        count = self._count(parameters)
        parameters.refuse_others()
        page = self._pages.get(recomm_id)
        if page is None or time.monotonic() - page.at > NEXT_WITHIN_SECONDS:
            raise RecombeeError(404, f'recommId="{recomm_id}" does not exist or is older than 30 minutes')
        page.calls += 1
        return 200, self._answered(recomm_id, page, count, ())

    def _first(
        self,
        parameters: Parameters,
        shown: Shown | None,
        *,
        logics: Collection[str],
        user_id: str | None,
        item_id: str | None = None,
        query: str | None = None,
    ) -> tuple[int, Any]:
        count = self._count(parameters)
        question = Question(
            user_id,
            item_id,
            query,
            _logic(parameters, logics) == "recombee:popular",
            read_filter(self._store, "items", parameters),
            read_returned(self._store, "items", parameters),
        )
        create = parameters.flag("cascadeCreate")
        parameters.ignore(WITHOUT_EFFECT)
        parameters.refuse_others()
        if item_id is not None:
            required(self._store, "items", item_id, create=create)
        if user_id is not None:
            required(self._store, "users", user_id, create=create)
        recomm_id = str(uuid.uuid4())
        page = Page(question)
        before = shown.setdefault(user_id, set()) if shown is not None and user_id is not None else set()
        answer = self._answered(recomm_id, page, count, before)
        before |= page.shown
        return 200, answer

    def _answered(self, recomm_id: str, page: Page, count: int, before: Collection[str]) -> dict[str, Any]:
        question = page.question
        found = self._find(question, Wanted(count, question.item_filter, {*page.shown, *before}))
        page.shown.update(found)
        page.at = time.monotonic()
        self._pages[recomm_id] = page
        self._pages.move_to_end(recomm_id)
        while len(self._pages) > REMEMBERED_PAGES:
            self._pages.popitem(last=False)
        return {
            "recommId": recomm_id,
            "recomms": [self._entry(item_id, question.returned) for item_id in found],
            "numberNextRecommsCalls": page.calls,
        }

    def _find(self, question: Question, wanted: Wanted) -> list[str]:
        user = None if question.user_id is None else self._store.find("users", question.user_id)
        if question.query is not None:
            return self._search(question.query, user, wanted)
        if question.popular:
            own = () if question.item_id is None else (question.item_id,)
            return self._recommender.popular(
                Wanted(wanted.count, wanted.song_filter, {*wanted.without, *own})
            )
        if question.item_id is not None:
            return self._recommender.similar(question.item_id, user, wanted)
        return self._recommender.popular(wanted) if user is None else self._recommender.personal(user, wanted)

    def _search(self, query: str, user: int | None, wanted: Wanted) -> list[str]:
        """Items in whose texts each word of the query begins a word; whole words first, then by taste."""
        sought = query.casefold().split()
        found: dict[str, int] = {}
        for item in self._recommender.allowed(wanted):
            words = _words(item.values)
            if all(any(word.startswith(part) for word in words) for part in sought):
                found[item.id] = sum(part in words for part in sought)
        everything = Wanted(MOST_RECOMMENDED, wanted.song_filter, wanted.without)
        by_taste = (
            self._recommender.popular(everything)
            if user is None
            else self._recommender.personal(user, everything)
        )
        hits = [item_id for item_id in by_taste if item_id in found]
        return sorted(hits, key=lambda item_id: -found[item_id])[: wanted.count]

    def _entry(self, item_id: str, returned: list[str] | None) -> dict[str, Any]:
        if returned is None:
            return {"id": item_id}
        values = self._store.values(required(self._store, "items", item_id))
        return {"id": item_id, "values": returned_values(values, returned)}

    @staticmethod
    def _count(parameters: Parameters) -> int:
        count = parameters.whole("count", lowest=1, highest=MOST_RECOMMENDED)
        if count is None:
            raise RecombeeError(400, "count is missing")
        return count


def _logic(parameters: Parameters, logics: Collection[str]) -> str:
    """A name, or {"name", "settings"}; settings other than none are not supported."""
    given = parameters.value("logic")
    if isinstance(given, dict):
        if given.get("settings"):
            raise RecombeeError(400, "Not supported here: settings of a logic")
        given = given.get("name")
    name = "recombee:default" if given is None else given
    if name not in logics:
        raise RecombeeError(400, f"logic must be one of {', '.join(logics)} for this request")
    return str(name)


def _words(values: Mapping[str, Any]) -> set[str]:
    texts = [
        part
        for value in values.values()
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, str)
    ]
    return set(" ".join(texts).casefold().split())
