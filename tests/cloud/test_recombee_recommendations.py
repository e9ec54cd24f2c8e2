"""Recommendations over the wire, requested by the real SDK."""

import time
from collections.abc import Iterator

import pytest
from recombee_api_client.api_requests import (
    AddBookmark,
    AddDetailView,
    AddItem,
    AddItemProperty,
    AddPurchase,
    AddRating,
    AddUser,
    DeleteBookmark,
    DeleteItem,
    ListUsers,
    RecommendItemsToItem,
    RecommendItemsToUser,
    RecommendNextItems,
    ResetDatabase,
    SearchItems,
    SetItemValues,
)
from recombee_api_client.inputs.logic import Logic

from tests.cloud.recombee_service import RecombeeService, running_recombee, settings_in

LISTED = "'isListed' == true"
ROCK = [f"rock-{number}" for number in range(8)]
JAZZ = [f"jazz-{number}" for number in range(8)]
NOW = time.time()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecombeeService]:
    with running_recombee(settings_in(tmp_path_factory.mktemp("recombee"))) as running:
        yield running


@pytest.fixture
def recombee(service: RecombeeService) -> RecombeeService:
    """Eight rock and eight jazz songs, all listed; five fans of each, who know the first five of theirs.

    `rita` and `jack` know only the first two of rock and of jazz; `nora` is new. The first rock song is the
    most popular of all.
    """
    service.send(ResetDatabase())
    service.batch(
        *(AddItemProperty(name, "string") for name in ("title", "genre", "artistId")),
        AddItemProperty("isListed", "boolean"),
        *(
            SetItemValues(
                song,
                {
                    "title": f"Song {song}",
                    "genre": song[:4],
                    "artistId": f"{song[:4]}-{song[-1] in '0123'}",
                    "isListed": True,
                },
                cascade_create=True,
            )
            for song in ROCK + JAZZ
        ),
        AddUser("nora"),
    )
    plays = [
        (f"{songs[0]}-fan-{fan}", song) for songs in (ROCK, JAZZ) for fan in range(5) for song in songs[:5]
    ]
    plays += [("rita", song) for song in ROCK[:2]] + [("jack", song) for song in JAZZ[:2]]
    plays += [("passer-by", ROCK[0])]
    long_ago = NOW - 40 * 24 * 3600
    service.batch(
        *(
            AddPurchase(fan, song, timestamp=long_ago + number, cascade_create=True)
            for number, (fan, song) in enumerate(plays)
        )
    )
    return service


def test_recommendations_match_the_taste_of_the_group(recombee: RecombeeService) -> None:
    assert set(recombee.recommended(RecommendItemsToUser("rita", 5))) <= set(ROCK)
    assert set(recombee.recommended(RecommendItemsToUser("jack", 5))) <= set(JAZZ)


def test_new_listener_gets_popular_songs(recombee: RecombeeService) -> None:
    recommended = recombee.recommended(RecommendItemsToUser("nora", 5))
    assert recommended[0] == ROCK[0]
    assert set(recommended) <= {*ROCK[:5], *JAZZ[:5]}


@pytest.mark.parametrize("logic", ["recombee:popular", Logic("recombee:popular")])
def test_popular_is_the_same_for_everyone(recombee: RecombeeService, logic: object) -> None:
    chart = recombee.recommended(RecommendItemsToUser("rita", 10, logic=logic))
    assert chart[0] == ROCK[0]
    assert set(chart) == {*ROCK[:5], *JAZZ[:5]}
    assert recombee.recommended(RecommendItemsToUser("jack", 10, logic=logic)) == chart


def test_popular_songs_need_no_user(recombee: RecombeeService) -> None:
    chart = recombee.recommended(RecommendItemsToItem(JAZZ[7], None, 10, logic="recombee:popular"))
    assert chart == recombee.recommended(RecommendItemsToUser("nora", 10, logic="recombee:popular"))


@pytest.mark.parametrize("user", [None, "nora", "jack"])
def test_similar_songs_share_taste_without_the_seed(recombee: RecombeeService, user: str | None) -> None:
    similar = recombee.recommended(RecommendItemsToItem(ROCK[7], user, 7))
    assert set(similar) == set(ROCK[:7])
    everything = recombee.recommended(RecommendItemsToItem(ROCK[7], user, 100, logic="recombee:similar"))
    assert sorted(everything) == sorted([*ROCK[:7], *JAZZ])


def test_new_interactions_count_at_the_next_request(recombee: RecombeeService) -> None:
    first = recombee.recommended(RecommendItemsToUser("rita", 16))
    completed, skipped = first[0], first[1]
    recombee.send(AddPurchase("rita", completed))
    recombee.send(AddRating("rita", skipped, -0.5))
    then = recombee.recommended(RecommendItemsToUser("rita", 16))
    assert set(then[-2:]) == {completed, skipped}
    assert then[-1] == skipped


def test_only_songs_passing_the_filter_are_recommended(recombee: RecombeeService) -> None:
    recombee.send(SetItemValues(ROCK[0], {"isListed": False}))
    recombee.send(SetItemValues(ROCK[1], {"isListed": None}))
    hidden = {ROCK[0], ROCK[1]}
    for request in (
        RecommendItemsToUser("rita", 100, filter=LISTED),
        RecommendItemsToUser("rita", 100, filter=LISTED, logic="recombee:popular"),
        RecommendItemsToItem(ROCK[2], None, 100, filter=LISTED),
    ):
        assert hidden.isdisjoint(recombee.recommended(request))
    assert recombee.recommended(RecommendItemsToUser("rita", 100, filter="'genre' == \"none\"")) == []


@pytest.mark.parametrize("bad", ["'isHidden' == false", 'context_user["x"]', "'isListed' ==", "'genre'"])
def test_invalid_filter_is_refused(recombee: RecombeeService, bad: str) -> None:
    assert recombee.status(RecommendItemsToUser("rita", 5, filter=bad)) == 400
    assert recombee.status(RecommendItemsToItem(ROCK[0], None, 5, filter=bad)) == 400


def test_deleted_song_disappears_at_the_next_request(recombee: RecombeeService) -> None:
    gone = recombee.recommended(RecommendItemsToUser("rita", 1))[0]
    recombee.send(DeleteItem(gone))
    assert gone not in recombee.recommended(RecommendItemsToUser("rita", 100))


@pytest.mark.parametrize("count", [0, -1, 1.5, "many", None])
def test_count_must_be_a_positive_integer(recombee: RecombeeService, count: object) -> None:
    assert recombee.status(RecommendItemsToUser("rita", count)) == 400


@pytest.mark.parametrize(
    "request_",
    [
        RecommendItemsToUser("ghost", 5),
        RecommendItemsToItem("ghost", None, 5),
        RecommendItemsToItem("rock-0", "ghost", 5),
    ],
    ids=["user", "item", "target-user"],
)
def test_unknown_user_or_item_is_not_created(recombee: RecombeeService, request_: object) -> None:
    before = recombee.send(ListUsers())
    assert recombee.status(request_) == 404
    assert recombee.send(ListUsers()) == before


def test_cascade_create_returns_popular_songs(recombee: RecombeeService) -> None:
    assert recombee.recommended(RecommendItemsToUser("fresh", 1, cascade_create=True)) == [ROCK[0]]
    assert "fresh" in recombee.send(ListUsers())


@pytest.mark.parametrize("logic", ["recombee:similar", "ecommerce:homepage", 5])
def test_unknown_logic_is_refused(recombee: RecombeeService, logic: object) -> None:
    assert recombee.status(RecommendItemsToUser("rita", 5, logic=logic)) == 400


def test_logic_settings_and_boosters_are_refused(recombee: RecombeeService) -> None:
    logic = Logic("recombee:popular", {"maxAge": 60})
    assert recombee.status(RecommendItemsToUser("rita", 5, logic=logic)) == 400
    assert recombee.status(RecommendItemsToUser("rita", 5, booster="2")) == 400


@pytest.mark.parametrize(
    "option",
    [
        {"scenario": "unheard-of"},
        {"diversity": 1.1},
        {"min_relevance": "extreme"},
        {"rotation_rate": 0.1},
        {"rotation_time": 60},
        {"return_ab_group": True},
    ],
)
def test_options_without_support_are_refused(recombee: RecombeeService, option: dict[str, object]) -> None:
    assert recombee.status(RecommendItemsToUser("rita", 5, **option)) == 400


@pytest.mark.parametrize("option", [{"rotation_rate": 0.0}, {"diversity": 0.0}, {"min_relevance": "low"}])
def test_neutral_options_change_nothing(recombee: RecombeeService, option: dict[str, object]) -> None:
    for plain, with_option in (
        (RecommendItemsToUser("rita", 16), RecommendItemsToUser("rita", 16, **option)),
        (RecommendItemsToItem(ROCK[0], None, 15), RecommendItemsToItem(ROCK[0], None, 15, **option)),
    ):
        assert recombee.recommended(with_option) == recombee.recommended(plain)


def test_scenario_chooses_the_logic(recombee: RecombeeService) -> None:
    chart = recombee.recommended(RecommendItemsToUser("jack", 10, logic="recombee:popular"))
    assert recombee.recommended(RecommendItemsToUser("jack", 10, scenario="trending")) == chart
    assert recombee.recommended(RecommendItemsToUser("jack", 10, scenario="for-you")) != chart
    assert recombee.status(RecommendItemsToItem(ROCK[0], None, 5, scenario="for-you")) == 400


def test_diversity_spreads_a_page_over_artists(recombee: RecombeeService) -> None:
    def first_artists(diversity: float) -> int:
        shown = recombee.recommended(RecommendItemsToUser("rita", 4, diversity=diversity))
        return len({(song[:4], song[-1] in "0123") for song in shown})

    assert first_artists(0.0) < first_artists(1.0) == 4


def test_min_relevance_leaves_out_weak_songs(recombee: RecombeeService) -> None:
    low = recombee.recommended(RecommendItemsToUser("rita", 16, min_relevance="low"))
    high = recombee.recommended(RecommendItemsToUser("rita", 16, min_relevance="high"))
    assert set(high) < set(low)
    assert high
    assert set(high) <= set(ROCK)


@pytest.mark.parametrize("request_", [SearchItems("rita", "song", 5), RecommendNextItems("some-id", 5)])
def test_unused_calls_are_501(recombee: RecombeeService, request_: object) -> None:
    assert recombee.status(request_) == 501


def test_like_weighs_more_than_a_play(recombee: RecombeeService) -> None:
    for song in (ROCK[7], JAZZ[7]):
        recombee.send(SetItemValues(song, {"genre": None, "artistId": None}))
    recombee.send(AddDetailView("rita", JAZZ[7], timestamp=NOW - 100))
    recombee.send(AddBookmark("jack", ROCK[7], timestamp=NOW - 100))
    chart = recombee.recommended(RecommendItemsToUser("nora", 16, logic="recombee:popular"))
    assert chart.index(ROCK[7]) < chart.index(JAZZ[7])
    recombee.send(DeleteBookmark("jack", ROCK[7]))
    chart = recombee.recommended(RecommendItemsToUser("nora", 16, logic="recombee:popular"))
    assert chart.index(ROCK[7]) > chart.index(JAZZ[7])


def test_properties_are_returned_on_request(recombee: RecombeeService) -> None:
    request = RecommendItemsToUser("nora", 1, return_properties=True, included_properties=["title", "genre"])
    assert recombee.send(request)["recomms"] == [
        {"id": ROCK[0], "values": {"title": f"Song {ROCK[0]}", "genre": "rock"}}
    ]
    assert recombee.send(RecommendItemsToUser("nora", 1))["recomms"] == [{"id": ROCK[0]}]


def test_every_response_has_a_unique_id(recombee: RecombeeService) -> None:
    ids = {recombee.send(RecommendItemsToUser("rita", 1))["recommId"] for _ in range(3)}
    assert len(ids) == 3


def test_empty_catalogue_recommends_nothing(recombee: RecombeeService) -> None:
    recombee.send(ResetDatabase())
    recombee.send(AddUser("ann"))
    assert recombee.recommended(RecommendItemsToUser("ann", 5)) == []
    assert recombee.recommended(RecommendItemsToUser("ann", 5, logic="recombee:popular")) == []
    recombee.send(AddItem("only"))
    assert recombee.recommended(RecommendItemsToItem("only", None, 5)) == []


def test_extreme_timestamps_are_tolerated(
    recombee: RecombeeService,
) -> None:
    recombee.send(AddDetailView("rita", JAZZ[7], timestamp=0))
    recombee.send(AddDetailView("jack", JAZZ[7], timestamp=NOW + 10 * 365 * 24 * 3600))
    assert len(recombee.recommended(RecommendItemsToUser("rita", 16))) == 16
    assert recombee.recommended(RecommendItemsToUser("nora", 1)) == [ROCK[0]]
