"""Requests about interactions: who played, completed, rated or liked which song."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloud.recombee.catalogue import required
from embedded.cloud.recombee.listening import Signal
from embedded.cloud.recombee.parameters import Parameters, RecombeeError, checked_id
from embedded.cloud.recombee.store import Interaction, RecombeeStore

HIGHEST_NUMBER = 1e12
# Two interactions without a timestamp are two, even when they arrive in the same microsecond.
SMALLEST_STEP_SECONDS = 1e-6


@dataclass(frozen=True)
class InteractionKind:
    """`value_name` is the parameter that must come with it, `lowest` to 1; `numbers` are those that may."""

    signal: Signal
    value_name: str | None = None
    lowest: float = 0.0
    numbers: tuple[str, ...] = ()


# By the first part of the path.
KINDS: Mapping[str, InteractionKind] = {
    "detailviews": InteractionKind(Signal.DETAIL_VIEW, numbers=("duration",)),
    "purchases": InteractionKind(Signal.PURCHASE, numbers=("amount", "price", "profit")),
    "ratings": InteractionKind(Signal.RATING, "rating", lowest=-1.0),
    "bookmarks": InteractionKind(Signal.BOOKMARK),
}


class InteractionRequests:
    """One kind of interaction."""

    def __init__(self, store: RecombeeStore, kind: InteractionKind) -> None:
        self._store = store
        self._kind = kind

    def add(self, parameters: Parameters) -> tuple[int, Any]:
        kind = self._kind
        user_id, item_id = parameters.id("userId"), parameters.id("itemId")
        create = parameters.flag("cascadeCreate")
        at = parameters.timestamp("timestamp")
        value = 0.0
        if kind.value_name is not None:
            given = parameters.number(kind.value_name, lowest=kind.lowest, highest=1.0)
            if given is None:
                raise RecombeeError(400, f"{kind.value_name} is missing")
            value = given
        details = self._details(parameters)
        parameters.refuse_others()
        if not create:
            required(self._store, "users", user_id)
        item = required(self._store, "items", item_id, create=create)
        user = required(self._store, "users", user_id, create=create)
        moment = time.time() if at is None else at
        while not self._store.add_interaction(Interaction(user, item, kind.signal, value, moment, details)):
            if at is not None:
                raise RecombeeError(409, "The same user did the same to the same item at that very moment")
            moment += SMALLEST_STEP_SECONDS
        return 200, "ok"

    def remove(self, parameters: Parameters) -> tuple[int, Any]:
        user_id, item_id = parameters.id("userId"), parameters.id("itemId")
        at = parameters.timestamp("timestamp")
        parameters.refuse_others()
        user = required(self._store, "users", user_id)
        item = required(self._store, "items", item_id)
        if not self._store.remove_interactions(user, item, self._kind.signal, at=at):
            raise RecombeeError(
                404, f'There is no such interaction of userId="{user_id}", itemId="{item_id}"'
            )
        return 200, "ok"

    def of_user(self, parameters: Parameters, user_id: str) -> tuple[int, Any]:
        parameters.refuse_others()
        return self._listed(user_no=required(self._store, "users", checked_id("userId", user_id)))

    def of_item(self, parameters: Parameters, item_id: str) -> tuple[int, Any]:
        parameters.refuse_others()
        return self._listed(item_no=required(self._store, "items", checked_id("itemId", item_id)))

    def _listed(self, *, user_no: int | None = None, item_no: int | None = None) -> tuple[int, Any]:
        entries = []
        for user_id, item_id, found in self._store.interactions(
            self._kind.signal, user_no=user_no, item_no=item_no
        ):
            entry = {"userId": user_id, "itemId": item_id, "timestamp": found.at, **found.details}
            if self._kind.value_name is not None:
                entry[self._kind.value_name] = found.value
            entries.append(entry)
        return 200, entries

    def _details(self, parameters: Parameters) -> dict[str, Any]:
        details: dict[str, Any] = {
            name: parameters.number(name, lowest=-HIGHEST_NUMBER, highest=HIGHEST_NUMBER)
            for name in self._kind.numbers
        }
        details["recommId"] = parameters.text("recommId")
        additional = parameters.value("additionalData")
        if additional is not None and not isinstance(additional, dict):
            raise RecombeeError(400, "additionalData must be an object")
        details["additionalData"] = additional
        parameters.ignore(("autoPresented",))
        return {name: value for name, value in details.items() if value is not None}
