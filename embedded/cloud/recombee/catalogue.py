"""Requests about items, users and their properties. To the API both are alike: one class serves both."""

import re
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from embedded.cloud.recombee.parameters import (
    Parameters,
    RecombeeError,
    checked_id,
    checked_timestamp,
)
from embedded.cloud.recombee.reql import Filter, FilterError, parse_filter
from embedded.cloud.recombee.store import Owner, RecombeeStore

PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_\-]{1,63}")
PROPERTY_TYPES = ("int", "double", "string", "boolean", "timestamp", "set", "image", "imageList")
CASCADE = "!cascadeCreate"
MOST_LISTED = 1_000_000
MOST_INT = 2**63 - 1
MOST_DOUBLE = sys.float_info.max


def required(store: RecombeeStore, owner: Owner, entity_id: str, *, create: bool = False) -> int:
    """The number of the item or user. Raises RecombeeError (404) when there is none, unless `create`."""
    number = store.find(owner, entity_id)
    if number is not None:
        return number
    if not create:
        what = "Item" if owner == "items" else "User"
        raise RecombeeError(404, f'{what} of {what.lower()}Id="{entity_id}" does not exist')
    return store.add(owner, entity_id)


def read_filter(store: RecombeeStore, owner: Owner, parameters: Parameters) -> Filter | None:
    """Raises RecombeeError (400) for what is not understood: a filter is never left out in silence."""
    text = parameters.text("filter")
    if text is None or not text.strip():
        return None
    try:
        return parse_filter(text, store.properties(owner))
    except FilterError as error:
        raise RecombeeError(400, f"filter: {error}") from error


def read_returned(store: RecombeeStore, owner: Owner, parameters: Parameters) -> list[str] | None:
    """The names of the properties to return, or None when only ids are wanted."""
    included = parameters.names("includedProperties")
    if not parameters.flag("returnProperties"):
        return None
    known = list(store.properties(owner))
    for name in included or ():
        if name not in known:
            raise RecombeeError(400, f"includedProperties: property '{name}' does not exist")
    return known if included is None else included


def returned_values(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


class CatalogueRequests:
    """Items, or users."""

    def __init__(self, store: RecombeeStore, owner: Owner) -> None:
        self._store = store
        self._owner: Owner = owner
        self._id_name = "itemId" if owner == "items" else "userId"

    def add_property(self, parameters: Parameters, name: str) -> tuple[int, Any]:
        kind = parameters.text("type")
        parameters.ignore(("role", "metadata"))
        parameters.refuse_others()
        if not PROPERTY_NAME.fullmatch(name) or name.lower() in ("id", "itemid", "userid"):
            raise RecombeeError(400, f"'{name}' cannot be the name of a property")
        if kind not in PROPERTY_TYPES:
            raise RecombeeError(400, f"type must be one of {', '.join(PROPERTY_TYPES)}")
        if not self._store.add_property(self._owner, name, kind):
            raise RecombeeError(409, f"Property '{name}' already exists")
        return 201, "ok"

    def list_properties(self, parameters: Parameters) -> tuple[int, Any]:
        parameters.refuse_others()
        return 200, [
            {"name": name, "type": kind} for name, kind in self._store.properties(self._owner).items()
        ]

    def add(self, parameters: Parameters, entity_id: str) -> tuple[int, Any]:
        parameters.refuse_others()
        checked_id(self._id_name, entity_id)
        if self._store.find(self._owner, entity_id) is not None:
            raise RecombeeError(409, f'{self._id_name}="{entity_id}" already exists')
        self._store.add(self._owner, entity_id)
        return 201, "ok"

    def remove(self, parameters: Parameters, entity_id: str) -> tuple[int, Any]:
        parameters.refuse_others()
        checked_id(self._id_name, entity_id)
        self._store.remove(required(self._store, self._owner, entity_id))
        return 200, "ok"

    def set_values(self, parameters: Parameters, entity_id: str) -> tuple[int, Any]:
        checked_id(self._id_name, entity_id)
        create = parameters.flag(CASCADE)
        types = self._store.properties(self._owner)
        values = {
            name: self._checked(types, name, value)
            for name, value in parameters.given.items()
            if name != CASCADE
        }
        number = required(self._store, self._owner, entity_id, create=create)
        self._store.set_values(self._owner, number, values)
        return 200, "ok"

    def get_values(self, parameters: Parameters, entity_id: str) -> tuple[int, Any]:
        parameters.refuse_others()
        checked_id(self._id_name, entity_id)
        number = required(self._store, self._owner, entity_id)
        return 200, returned_values(self._store.values(number), self._store.properties(self._owner))

    def list_all(self, parameters: Parameters) -> tuple[int, Any]:
        wanted = read_filter(self._store, self._owner, parameters)
        names = read_returned(self._store, self._owner, parameters)
        offset = parameters.whole("offset", lowest=0, highest=MOST_LISTED) or 0
        count = parameters.whole("count", lowest=0, highest=MOST_LISTED)
        parameters.refuse_others()
        passing = (
            entity
            for entity in self._store.entities(self._owner)
            if wanted is None or wanted.passes(entity.id, entity.values)
        )
        found = list(islice(passing, offset, None if count is None else offset + count))
        if names is None:
            return 200, [entity.id for entity in found]
        return 200, [{self._id_name: e.id, **returned_values(e.values, names)} for e in found]

    @staticmethod
    def _checked(types: Mapping[str, str], name: str, value: Any) -> Any:
        """The value as it is kept: a timestamp as epoch seconds, all else as it came. None fits any type."""
        if name not in types:
            raise RecombeeError(400, f"Property '{name}' does not exist")
        kind = types[name]
        if value is None:
            return None
        if kind == "timestamp":
            return checked_timestamp(name, value)
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_DOUBLE
        fits = {
            "int": number and value == int(value) and -MOST_INT - 1 <= value <= MOST_INT,
            "double": number,
            "string": isinstance(value, str),
            "image": isinstance(value, str),
            "boolean": isinstance(value, bool),
            "set": isinstance(value, list) and all(isinstance(part, str) for part in value),
            "imageList": isinstance(value, list) and all(isinstance(part, str) for part in value),
        }
        if not fits[kind]:
            raise RecombeeError(400, f"Property '{name}' wants a value of type {kind}")
        return value
