"""Items, users and their properties, requested by the real SDK over a socket."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from recombee_api_client.api_requests import (
    AddDetailView,
    AddItem,
    AddItemProperty,
    AddUser,
    AddUserProperty,
    DeleteItem,
    DeleteUser,
    GetItemValues,
    GetUserValues,
    ListItemDetailViews,
    ListItemProperties,
    ListItems,
    ListUserDetailViews,
    ListUsers,
    ResetDatabase,
    SetItemValues,
    SetUserValues,
)
from recombee_api_client.exceptions import ResponseException

from tests.cloud.recombee_service import RecombeeService, running_recombee, settings_in


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecombeeService]:
    with running_recombee(settings_in(tmp_path_factory.mktemp("recombee"))) as running:
        yield running


@pytest.fixture
def recombee(service: RecombeeService) -> RecombeeService:
    service.send(ResetDatabase())
    return service


@pytest.mark.parametrize("add", [AddItem, AddUser])
def test_adding_the_same_id_twice_is_a_conflict(
    recombee: RecombeeService, add: type[AddItem] | type[AddUser]
) -> None:
    assert recombee.send(add("one")) == "ok"
    assert recombee.status(add("one")) == 409


@pytest.mark.parametrize("bad", ["ab*c", "a$b", "undefined"])
def test_id_with_invalid_characters_is_refused(recombee: RecombeeService, bad: str) -> None:
    assert recombee.status(AddItem(bad)) == 400
    assert recombee.status(AddUser(bad)) == 400
    assert recombee.status(SetItemValues(bad, {}, cascade_create=True)) == 400
    assert recombee.send(ListItems()) == []


def test_every_valid_id_character_is_accepted(recombee: RecombeeService) -> None:
    recombee.send(AddItem("aZ09_-:@."))
    assert recombee.send(ListItems()) == ["aZ09_-:@."]


def test_properties_are_added_once_and_listed(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("title", "string"))
    recombee.send(AddItemProperty("year", "int"))
    recombee.send(AddUserProperty("city", "string"))
    assert recombee.status(AddItemProperty("title", "int")) == 409
    assert recombee.send(ListItemProperties()) == [
        {"name": "title", "type": "string"},
        {"name": "year", "type": "int"},
    ]


@pytest.mark.parametrize(("name", "kind"), [("x", "text"), ("itemId", "string"), ("a" * 64, "string")])
def test_invalid_property_is_refused(recombee: RecombeeService, name: str, kind: str) -> None:
    assert recombee.status(AddItemProperty(name, kind)) == 400


def test_values_are_merged_and_default_to_null(recombee: RecombeeService) -> None:
    for name, kind in {"title": "string", "year": "int", "tags": "set", "isListed": "boolean"}.items():
        recombee.send(AddItemProperty(name, kind))
    recombee.send(SetItemValues("song", {"title": "šřž 的", "tags": {"live"}}, cascade_create=True))
    recombee.send(SetItemValues("song", {"isListed": True}))
    assert recombee.send(GetItemValues("song")) == {
        "title": "šřž 的",
        "year": None,
        "tags": ["live"],
        "isListed": True,
    }


def test_timestamp_is_stored_as_seconds(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("createdAt", "timestamp"))
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    recombee.send(SetItemValues("a", {"createdAt": moment}, cascade_create=True))
    recombee.send(SetItemValues("b", {"createdAt": "2026-11-01T12:00:00.000Z"}, cascade_create=True))
    assert recombee.send(GetItemValues("a")) == {"createdAt": moment.timestamp()}
    assert recombee.send(GetItemValues("b")) == {"createdAt": moment.timestamp()}


def test_unknown_property_creates_nothing(recombee: RecombeeService) -> None:
    with pytest.raises(ResponseException) as refused:
        recombee.send(SetItemValues("song", {"colour": "red"}, cascade_create=True))
    assert refused.value.status_code == 400
    assert json.loads(refused.value.description) == {
        "statusCode": 400,
        "message": "Property 'colour' does not exist",
    }
    assert recombee.send(ListItems()) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "7"),
        ("int", 1.5),
        ("double", True),
        ("string", 1),
        ("boolean", "true"),
        ("set", "x"),
        ("set", [1]),
        ("timestamp", "soon"),
    ],
)
def test_value_of_the_wrong_type_is_refused(recombee: RecombeeService, kind: str, value: object) -> None:
    recombee.send(AddItemProperty("it", kind))
    assert recombee.status(SetItemValues("song", {"it": value}, cascade_create=True)) == 400


@pytest.mark.parametrize(
    "request_",
    [
        SetItemValues("ghost", {}),
        SetUserValues("ghost", {}),
        GetItemValues("ghost"),
        GetUserValues("ghost"),
        DeleteItem("ghost"),
        DeleteUser("ghost"),
        ListItemDetailViews("ghost"),
        ListUserDetailViews("ghost"),
    ],
    ids=lambda request_: type(request_).__name__,
)
def test_unknown_entity_is_not_found(recombee: RecombeeService, request_: object) -> None:
    assert recombee.status(request_) == 404


def test_deleting_an_item_deletes_its_interactions(recombee: RecombeeService) -> None:
    recombee.send(AddDetailView("ann", "gone", cascade_create=True))
    recombee.send(AddDetailView("ann", "stays", cascade_create=True))
    recombee.send(DeleteItem("gone"))
    recombee.send(AddItem("gone"))
    assert [view["itemId"] for view in recombee.send(ListUserDetailViews("ann"))] == ["stays"]


def test_deleting_a_user_deletes_their_interactions(recombee: RecombeeService) -> None:
    recombee.send(AddDetailView("ann", "song", cascade_create=True))
    recombee.send(AddDetailView("ben", "song", cascade_create=True))
    recombee.send(DeleteUser("ann"))
    assert recombee.send(ListUsers()) == ["ben"]
    assert [view["userId"] for view in recombee.send(ListItemDetailViews("song"))] == ["ben"]


def test_items_are_listed_with_filter_and_properties(
    recombee: RecombeeService,
) -> None:
    recombee.send(AddItemProperty("genre", "string"))
    recombee.send(AddItemProperty("year", "int"))
    for number in range(5):
        values = {"genre": "Rock" if number % 2 else "Jazz", "year": 2000 + number}
        recombee.send(SetItemValues(f"song-{number}", values, cascade_create=True))
    assert recombee.send(ListItems(count=2, offset=1)) == ["song-1", "song-2"]
    assert recombee.send(ListItems(filter="'genre' == \"Rock\"")) == ["song-1", "song-3"]
    assert recombee.send(
        ListItems(filter="'year' >= 2004", return_properties=True, included_properties=["genre"])
    ) == [{"itemId": "song-4", "genre": "Jazz"}]


def test_users_are_listed_with_their_properties(recombee: RecombeeService) -> None:
    recombee.send(AddUserProperty("city", "string"))
    recombee.send(SetUserValues("ann", {"city": "Brno"}, cascade_create=True))
    assert recombee.send(GetUserValues("ann")) == {"city": "Brno"}
    assert recombee.send(ListUsers(return_properties=True)) == [{"userId": "ann", "city": "Brno"}]


def test_returned_property_must_exist(recombee: RecombeeService) -> None:
    assert recombee.status(ListItems(return_properties=True, included_properties=["colour"])) == 400


def test_reset_deletes_everything(recombee: RecombeeService) -> None:
    recombee.send(AddItemProperty("genre", "string"))
    recombee.send(AddDetailView("ann", "song", cascade_create=True))
    recombee.send(ResetDatabase())
    assert recombee.send(ListItems()) == []
    assert recombee.send(ListUsers()) == []
    assert recombee.send(ListItemProperties()) == []
