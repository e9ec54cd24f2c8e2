"""Batches, sent by the real SDK."""

import json
from collections.abc import Iterator

import pytest
from recombee_api_client.api_requests import (
    AddBookmark,
    AddDetailView,
    AddItem,
    AddItemProperty,
    AddPurchase,
    AddUser,
    Batch,
    DeleteItem,
    ListItems,
    ListUserDetailViews,
    RecommendItemsToItem,
    RecommendItemsToUser,
    ResetDatabase,
    SetItemValues,
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


def test_batch_requests_run_in_order(recombee: RecombeeService) -> None:
    responses = recombee.batch(
        AddItemProperty("num", "int"),
        AddItemProperty("time", "timestamp"),
        SetItemValues("item1", {"num": 99, "!cascadeCreate": True}),
        AddItem("item1"),
        SetItemValues("item2", {"num": 68, "time": 27, "!cascadeCreate": True}),
        ListItems(),
        ListItems(filter="'num' < 99"),
        DeleteItem("item1"),
        ListItems(filter="'num' >= 99"),
        AddBookmark("user", "item2", timestamp="2013-10-29T09:38:41.341Z"),
        AddBookmark("user", "item2", cascade_create=True),
        RecommendItemsToItem("item2", "user", 30),
        RecommendItemsToUser("user_id", 25, filter="'num'==68", cascade_create=True),
    )
    codes = [response["code"] for response in responses]
    assert codes == [201, 201, 200, 409, 200, 200, 200, 200, 200, 404, 200, 200, 200]
    assert responses[5]["json"] == ["item1", "item2"]
    assert responses[6]["json"] == ["item2"]
    assert responses[8]["json"] == []
    assert responses[9]["json"]["statusCode"] == 404
    assert responses[12]["json"]["recomms"] == [{"id": "item2"}]


def test_repeated_batch_stores_interactions_once(recombee: RecombeeService) -> None:
    plays = [AddDetailView("ann", f"song-{n}", timestamp=1000 + n, cascade_create=True) for n in range(20)]
    assert [response["code"] for response in recombee.batch(*plays)] == [200] * 20
    assert [response["code"] for response in recombee.batch(*plays)] == [409] * 20
    assert len(recombee.send(ListUserDetailViews("ann"))) == 20


def test_distinct_recommendations_do_not_overlap(recombee: RecombeeService) -> None:
    recombee.batch(
        AddUser("ann"), AddUser("ben"), *(AddPurchase("ben", f"s{n}", cascade_create=True) for n in range(6))
    )
    requested = [
        RecommendItemsToUser("ann", 3),
        RecommendItemsToUser("ann", 3),
        RecommendItemsToUser("ben", 3),
    ]
    for distinct, expected in ((True, 6), (False, 3), (None, 3)):
        responses = recombee.batch(*requested, distinct_recomms=distinct)
        of_ann = {entry["id"] for response in responses[:2] for entry in response["json"]["recomms"]}
        assert len(of_ann) == expected
        assert len(responses[2]["json"]["recomms"]) == 3


def test_ten_thousand_requests_are_stored(recombee: RecombeeService) -> None:
    responses = recombee.batch(*(AddItem(f"item-{n}") for n in range(10_000)))
    assert {response["code"] for response in responses} == {201}
    too_many = Batch([])
    too_many.ensure_https = False
    too_many.timeout = 10_000
    too_many.set_additional_body_parameters(
        {"requests": [{"method": "PUT", "path": f"/items/more-{n}"} for n in range(10_001)]}
    )
    assert recombee.status(too_many) == 400
    assert len(recombee.send(ListItems())) == 10_000


@pytest.mark.parametrize(
    "requests",
    ["x", [1], [{"method": "PUT"}], [{"method": "PUT", "path": "/items/a", "params": []}, {"path": 1}]],
)
def test_malformed_batch_is_refused(recombee: RecombeeService, requests: object) -> None:
    request = Batch([])
    request.ensure_https = False
    request.timeout = 3000
    request.set_additional_body_parameters({"requests": requests})
    with pytest.raises(ResponseException) as refused:
        recombee.send(request)
    assert json.loads(refused.value.description)["statusCode"] == 400
    assert recombee.send(ListItems()) == []


def test_nested_batch_is_refused(recombee: RecombeeService) -> None:
    responses = recombee.batch(Batch([AddItem("hidden")]), AddItem("seen"))
    assert [response["code"] for response in responses] == [501, 201]
    assert recombee.send(ListItems()) == ["seen"]
