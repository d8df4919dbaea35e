"""A mapping that cannot change, so that descriptions which hold one can be compared and hashed."""

from collections.abc import Iterator, Mapping

__all__ = ["FrozenMapping"]


class FrozenMapping[Value](Mapping[str, Value]):
    """Names to values, in order; equal to any mapping with the same entries.

    Examples
    --------
    >>> FrozenMapping({"commitment": ("intercepts",)})
    {'commitment': ('intercepts',)}
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Value]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Value:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return repr(self._entries)
