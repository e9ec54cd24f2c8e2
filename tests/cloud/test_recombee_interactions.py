"""Plays, completions, ratings and likes, sent by the real SDK over a socket."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from recombee_api_client.api_requests import (
    AddBookmark,
    AddDetailView,
    AddItem,
    AddPurchase,
    AddRating,
    AddUser,
    DeleteBookmark,
    DeleteDetailView,
    DeletePurchase,
    DeleteRating,
    ListItems,
    ListUserDetailViews,
    ListUserRatings,
    ListUsers,
    ResetDatabase,
)

from tests.cloud.recombee_service import RecombeeService, running_recombee, settings_in

SIMPLE = [AddDetailView, AddPurchase, AddBookmark]
DELETES = [
    (AddDetailView, DeleteDetailView),
    (AddPurchase, DeletePurchase),
    (AddBookmark, DeleteBookmark),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecombeeService]:
    with running_recombee(settings_in(tmp_path_factory.mktemp("recombee"))) as running:
        yield running


@pytest.fixture
def recombee(service: RecombeeService) -> RecombeeService:
    """With the user `ann` and the item `song`."""
    service.send(ResetDatabase())
    service.send(AddUser("ann"))
    service.send(AddItem("song"))
    return service


@pytest.mark.parametrize("add", SIMPLE)
def test_unknown_user_or_item_is_not_found(recombee: RecombeeService, add: Any) -> None:
    assert recombee.status(add("ghost", "song")) == 404
    assert recombee.status(add("ann", "ghost")) == 404
    assert recombee.send(ListUsers()) == ["ann"]
    assert recombee.send(ListItems()) == ["song"]


@pytest.mark.parametrize("add", SIMPLE)
def test_cascade_create_creates_user_and_item(recombee: RecombeeService, add: Any) -> None:
    assert recombee.send(add("ben", "new", cascade_create=True)) == "ok"
    assert recombee.send(ListUsers()) == ["ann", "ben"]
    assert recombee.send(ListItems()) == ["song", "new"]


@pytest.mark.parametrize("add", SIMPLE)
def test_duplicate_interaction_is_a_conflict(recombee: RecombeeService, add: Any) -> None:
    assert recombee.send(add("ann", "song", timestamp=5)) == "ok"
    assert recombee.status(add("ann", "song", timestamp=5)) == 409
    assert recombee.send(add("ann", "song", timestamp=6)) == "ok"


def test_timestamp_formats_are_equivalent(recombee: RecombeeService) -> None:
    moment = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
    recombee.send(AddDetailView("ann", "song", timestamp=moment))
    for again in (
        "2026-11-01T12:30:00Z",
        "2026-11-01T13:30:00+01:00",
        moment.timestamp(),
        "2026-11-01T12:30:00",
    ):
        assert recombee.status(AddDetailView("ann", "song", timestamp=again)) == 409


def test_interactions_without_a_timestamp_are_each_stored(recombee: RecombeeService) -> None:
    responses = recombee.batch(*[AddDetailView("ann", "song") for _ in range(50)])
    assert {response["code"] for response in responses} == {200}
    assert len(recombee.send(ListUserDetailViews("ann"))) == 50


@pytest.mark.parametrize("timestamp", [-15, "yesterday", 1_700_000_000_000])
def test_invalid_timestamp_is_refused(recombee: RecombeeService, timestamp: object) -> None:
    assert recombee.status(AddDetailView("ann", "song", timestamp=timestamp)) == 400


@pytest.mark.parametrize("rating", [-1.1, 2, "good", None])
def test_rating_out_of_range_is_refused(recombee: RecombeeService, rating: object) -> None:
    assert recombee.status(AddRating("ann", "song", rating)) == 400


def test_rating_is_listed_with_its_data(recombee: RecombeeService) -> None:
    recombee.send(
        AddRating("ann", "song", -0.5, timestamp=7, recomm_id="abc", additional_data={"kind": "skip"})
    )
    assert recombee.send(ListUserRatings("ann")) == [
        {
            "userId": "ann",
            "itemId": "song",
            "timestamp": 7.0,
            "rating": -0.5,
            "recommId": "abc",
            "additionalData": {"kind": "skip"},
        }
    ]


@pytest.mark.parametrize(("add", "delete"), DELETES)
def test_interaction_is_deleted_only_once(recombee: RecombeeService, add: Any, delete: Any) -> None:
    for second in (1.25, 2, 3):
        recombee.send(add("ann", "song", timestamp=second))
    assert recombee.send(delete("ann", "song", timestamp=1.25)) == "ok"
    assert recombee.status(delete("ann", "song", timestamp=1.25)) == 404
    assert recombee.send(delete("ann", "song")) == "ok"
    assert recombee.status(delete("ann", "song")) == 404
    assert recombee.send(add("ann", "song", timestamp=2)) == "ok"


def test_ratings_are_deleted_too(recombee: RecombeeService) -> None:
    recombee.send(AddRating("ann", "song", 1))
    assert recombee.send(DeleteRating("ann", "song")) == "ok"
    assert recombee.send(ListUserRatings("ann")) == []


def test_unknown_option_is_refused(recombee: RecombeeService) -> None:
    request = AddDetailView("ann", "song")
    request.set_additional_body_parameters({"weight": 3})
    assert recombee.status(request) == 400
    assert recombee.send(ListUserDetailViews("ann")) == []
