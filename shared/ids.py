"""Ids are ObjectIds, written as 24 hexadecimal characters, in every store and every answer."""

import re
import secrets

from bson import ObjectId

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


def new_id() -> str:
    """A fresh id; ids made later sort after ids made a second or more before."""
    return str(ObjectId())


def new_public_id(document: str, part: str) -> str:
    """Where a medium of `document`, `songs/{id}`, is to lie. The media store shows it to everybody who knows
    where, so no id of ours may say it.
    """
    return f"{document}/{secrets.token_urlsafe(16)}/{part}"


def id_in(public_id: str, folder: str) -> str | None:
    """The id of the document that the medium at `{folder}/{id}/…` is of; None for one in another folder."""
    first, _, rest = public_id.partition("/")
    return rest.partition("/")[0] if first == folder else None


def is_id(text: str) -> bool:
    """Whether `text` is written as an id."""
    return _OBJECT_ID.fullmatch(text) is not None
