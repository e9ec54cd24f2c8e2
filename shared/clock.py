"""Time is aware UTC with the millisecond precision that the stores keep."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment in UTC, cut to whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`, as the API writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_millis(moment: datetime) -> int:
    """Milliseconds since 1970, exact for what `now` returns."""
    return round(moment.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """The inverse of `to_millis`."""
    return datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
