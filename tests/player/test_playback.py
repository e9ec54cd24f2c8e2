"""The web player in headless Chromium: when loading fails or takes long, and what the queue keeps."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.player.browsing import Visitors
from tests.player.content import ADMIN, JONAS

pytestmark = pytest.mark.slow

PLAY_BUTTON = ".bar .play-button"
RENDITIONS = "**/br_*/**"


def test_song_is_loaded_again_after_a_failure(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.wait_for_audio("audio.currentTime > 0.2")
    visitor.page.route(RENDITIONS, lambda route: route.abort())
    failures = visitor.page.locator(".toast-error")
    visitor.press("Next")
    visitor.wait_for_audio("audio.error")
    expect(visitor.page.locator(PLAY_BUTTON)).to_have_accessible_name("Play")
    expect(failures).to_have_count(1)
    visitor.page.locator(PLAY_BUTTON).click()
    expect(failures).to_have_count(2)
    visitor.page.unroute(RENDITIONS)
    visitor.page.locator(PLAY_BUTTON).click()
    visitor.wait_for_audio("audio.currentTime > 0.2 && !audio.paused")
    assert [each for each in visitor.problems if "ERR_FAILED" not in each] == []
    visitor.problems.clear()


def test_second_click_pauses_a_song_that_is_loading(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    held: list[Route] = []
    visitor.page.route(RENDITIONS, lambda route: held.append(route))
    visitor.press("Play what is trending")
    play = visitor.page.locator(PLAY_BUTTON)
    expect(play).to_have_class(re.compile("is-waiting"))
    expect(play).to_have_accessible_name("Pause")
    expect(play).to_have_css("opacity", "0.5")  # with reduced motion it does not pulse
    play.click()
    expect(play).to_have_accessible_name("Play")
    expect(play).not_to_have_class(re.compile("is-waiting"))
    for route in held:
        route.continue_()
    visitor.page.unroute(RENDITIONS)
    visitor.wait_for_audio("audio.readyState === 4 && audio.paused")
    play.click()
    visitor.wait_for_audio("audio.currentTime > 0.2 && !audio.paused")
    expect(play).not_to_have_class(re.compile("is-waiting"))


PLAY_NOTHING = """async () => {
    const { Player } = await import('/player/playback/player.js');
    const player = new Player(() => {});
    player.queue.replace([{ title: 'The only one' }], 0);
    player.play([]);
    return player.queue.songs.length;
}"""


def test_artist_without_songs_leaves_the_queue(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.go("/profile")
    visitor.press("Copy")
    visitor.page.goto(visitor.page.evaluate("navigator.clipboard.readText()"))
    visitor.sees("Here since")
    visitor.settle()
    expect(visitor.page.locator(".banner").get_by_role("button", name="Play")).to_be_disabled()
    assert visitor.page.evaluate(PLAY_NOTHING) == 1
    visitor.go("/artists")
    visitor.page.get_by_role("link", name="Nova Lumen").last.click()
    visitor.page.locator(".banner").get_by_role("button", name="Play").click()
    visitor.wait_for_audio("audio.currentTime > 0.2 && !audio.paused")


LONG_WORD = "Lopadotemachoselachogaleokranioleipsano" * 2


def rename_songs(route: Route) -> None:
    """Every song of a list gets a title that is one long word."""
    response = route.fetch()
    route.fulfill(response=response, json=[{**song, "title": LONG_WORD} for song in response.json()])


def test_large_view_wraps_a_long_word(visitors: Visitors) -> None:
    visitor = visitors.visitor(on_phone=True)
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    visitor.page.route("**/api/songs/trending?**", rename_songs)
    visitor.page.reload()
    visitor.press("Play what is trending")
    visitor.press("Open the large view")
    view = visitor.page.get_by_role("dialog", name="Now playing")
    expect(view.get_by_role("heading")).to_have_text(LONG_WORD)
    boxes = [each.bounding_box() for each in view.locator(".theatre-names, .theatre-side button").all()]
    assert len(boxes) == 8
    assert [box for box in boxes if not box or box["x"] < 0 or box["x"] + box["width"] > 360] == []


HEARTS = """async (count) => {
    const { Likes } = await import('/player/likes.js');
    const { Observable } = await import('/player/observable.js');
    const asked = [];
    const likedAmong = async (ids) => (asked.push(ids.length), ids);
    const likes = new Likes({ songs: { likedAmong } }, { user: new Observable({}), isSignedIn: true });
    for (let id = 0; id < count; id += 1) likes.learn(String(id));
    while (likes.wanted.size > 0) await new Promise((resolve) => setTimeout(resolve));
    await new Promise((resolve) => setTimeout(resolve));
    return [asked, likes.ids.value.size];
}"""


def test_hearts_of_long_lists_come_in_parts(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    assert visitor.page.evaluate(HEARTS, 1100) == [[500, 500, 100], 1100]


def test_queue_is_there_paused_after_a_reload(visitors: Visitors) -> None:
    visitor, admin = visitors.visitor(), visitors.visitor(ADMIN)
    visitor.press("Play what is trending")
    visitor.wait_for_audio("audio.currentTime > 0.2")
    visitor.press("Queue")
    queued = visitor.page.locator(".queued .song-title")
    first, second, *others = queued.all_inner_texts()
    visitor.press("Next")
    expect(visitor.page.locator(".bar .song-title")).to_have_text(second)
    visitor.wait_for_audio("audio.currentTime > 1.5")
    visitor.page.locator(PLAY_BUTTON).click()
    admin.go("/admin/songs")
    switch = admin.page.get_by_role("switch", name=f"{first} is visible")
    switch.uncheck()
    admin.sees(f"{first} is hidden from everybody else")
    visitor.page.reload()
    expect(visitor.page.locator(".bar .song-title")).to_have_text(second)
    switch.check()
    admin.sees(f"{first} is visible again")
    visitor.press("Queue")
    expect(queued).to_have_text([second, *others])
    visitor.wait_for_audio("audio.paused && audio.currentTime > 1.5")
    visitor.page.locator(PLAY_BUTTON).click()
    visitor.wait_for_audio("!audio.paused && audio.currentTime > 2")
