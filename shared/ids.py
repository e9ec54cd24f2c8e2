"""Ids are ObjectIds, written as 24 hexadecimal characters, in every store and every response."""

import re
import secrets

from bson import ObjectId

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


def new_id() -> str:
    """A new id; ids sort by the second in which they were made."""
    return str(ObjectId())


def new_public_id(document: str, part: str) -> str:
    """Returns a new public id for a medium of `document`, such as `songs/{id}`. The media store serves it to
    everybody who knows the public id, so it has a secret part.
    """
    return f"{document}/{secrets.token_urlsafe(16)}/{part}"


def id_in(public_id: str, folder: str) -> str | None:
    """Returns the id of the document that owns the medium at `{folder}/{id}/…`; None for another folder."""
    first, _, rest = public_id.partition("/")
    return rest.partition("/")[0] if first == folder else None


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _OBJECT_ID.fullmatch(text) is not None
