"""Services that are given a secret of their own for the calls that they sign."""

from shared.access.delegation import Delegation
from shared.ids import new_id
from tests.system.conftest import DELEGATION_SECRET
from tests.system.running import People


async def test_services_use_the_configured_delegation_secret(people: People) -> None:
    artist = await people.artist()
    as_a_service = people.client(Delegation(DELEGATION_SECRET).token_for(artist.clerk_id))
    for principal in (artist.http, as_a_service):
        assert (await principal.get("/auth/me")).json()["_id"] == artist.id
        # Each of these two asks the user service for the caller, with a token that it signs.
        assert (await principal.delete(f"/songs/{new_id()}")).status_code == 404
        assert (await principal.delete(f"/albums/{new_id()}")).status_code == 404
