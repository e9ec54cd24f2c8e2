"""The first level of the cache: content in the memory of this process, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """A value with a known size."""

    @property
    def size_bytes(self) -> int: ...


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Sized)


class MemoryLevel(Generic[Key, Value]):
    """The most recently used values, up to `capacity_bytes` in all."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self.used_bytes = 0

    def get(self, key: Key) -> Value | None:
        """Returns the value of `key`, which is the most recently used then; None if there is none."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Store `value`, and evict the least recently used ones beyond the capacity."""
        self.drop(key)
        if value.size_bytes > self._capacity_bytes:
            return
        self._values[key] = value
        self.used_bytes += value.size_bytes
        while self.used_bytes > self._capacity_bytes:
            _, dropped = self._values.popitem(last=False)
            self.used_bytes -= dropped.size_bytes

    def drop(self, key: Key) -> None:
        """Delete `key`."""
        value = self._values.pop(key, None)
        if value is not None:
            self.used_bytes -= value.size_bytes

    def __len__(self) -> int:
        return len(self._values)
