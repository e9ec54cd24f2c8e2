"""The web player in headless Chromium, as visitors and listeners use it."""

import re

import pytest
from playwright.sync_api import expect

from tests.player.browsing import LOUDEST_SAMPLE, Visitors
from tests.player.content import JONAS, PRIYA, PRIYAS_LIKES, SONG_SECONDS

pytestmark = pytest.mark.slow


def test_visitor_hears_music_after_one_click(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.wait_for_audio("audio.currentTime > 0.5 && !audio.paused")
    assert visitor.audio("webkitAudioDecodedByteCount") > 0
    assert visitor.page.evaluate(LOUDEST_SAMPLE) > 0.01
    expect(visitor.page.get_by_role("button", name="Pause", exact=True).first).to_be_visible()
    assert visitor.tracked == []


def test_new_account_is_one_click(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Sign in")
    visitor.press("New account")
    visitor.sees("Signed in as")
    expect(visitor.page.get_by_role("heading", name="For you")).to_be_visible()


def test_double_click_makes_one_account(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    visitor.press("Sign in")
    visitor.page.get_by_role("button", name="New account").dblclick()
    visitor.sees("Signed in as")
    visitor.settle()
    assert asked.count("sign-in") == 1


def test_public_lists_are_shown_while_sign_in_fails(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.page.route("**/sign-in", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    visitor.page.reload()
    visitor.sees("The sign-in failed: the server returned 500")
    visitor.settle()
    assert visitor.page.locator("main .songs .song-title").count() > 0
    expect(visitor.page.locator("main .failure")).to_have_count(0)
    visitor.page.unroute("**/sign-in")
    visitor.press("Account of Jonas Lindqvist", act=False)
    assert [each for each in visitor.problems if "500" not in each] == []
    visitor.problems.clear()


def test_account_returns_with_the_server(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.page.route("**/api/auth/me", lambda route: route.abort())
    visitor.page.reload()
    visitor.sees("The server cannot be reached")
    expect(visitor.page.get_by_role("banner").get_by_role("button", name="Sign in")).to_be_visible()
    visitor.page.unroute("**/api/auth/me")
    visitor.press("Account of Jonas Lindqvist", act=False)
    assert [each for each in visitor.problems if "ERR_FAILED" not in each] == []
    visitor.problems.clear()


# What is reported, and where the song is at that moment: a test that looked by itself could look too late.
NOTE_REPORTS = """() => {
    window.reports = [];
    const original = window.fetch;
    window.fetch = (resource, ...others) => {
        const kind = /track.([a-z]+)$/.exec(resource.url ?? String(resource))?.[1];
        if (kind) window.reports.push([kind, document.querySelector('audio').currentTime]);
        return original(resource, ...others);
    };
}"""


def test_play_complete_and_skip_are_reported(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.go("/albums")
    visitor.page.get_by_role("link", name="Neon Tides").last.click()
    visitor.page.evaluate(NOTE_REPORTS)
    visitor.press("Play Glass Elevator by Nova Lumen")
    with visitor.page.expect_response(re.compile("/track/complete")):
        expect(visitor.page.locator(".bar .song-title")).to_have_text("Glass Elevator")
    (play, played_seconds), (complete, completed_seconds) = visitor.page.evaluate("window.reports")
    assert (play, complete) == ("play", "complete")
    assert 2.5 < played_seconds < 0.8 * SONG_SECONDS - 0.5 < completed_seconds
    expect(visitor.page.locator(".bar .song-title")).to_have_text("Velvet Static")
    assert visitor.tracked == [("play", 200), ("complete", 200)]
    visitor.wait_for_audio("audio.currentTime > 0.4 && audio.currentTime < 3")
    with visitor.page.expect_response(re.compile("/track/skip")):
        visitor.press("Next")
    assert visitor.tracked == [("play", 200), ("complete", 200), ("skip", 200)]


METER = """async (steps) => {
    const { ListeningMeter } = await import('/player/playback/listening.js');
    const reported = [];
    const meter = new ListeningMeter(100, (interaction) => reported.push(interaction));
    for (const [step, ...values] of steps) meter[step](...values);
    return [reported, meter.listenedSeconds];
}"""


def played(seconds: int, *then: list[object]) -> list[list[object]]:
    """The first `seconds` of a song, without a break."""
    return [*(["advance", second, second] for second in range(seconds + 1)), *then]


LISTENING = {
    "three seconds": (played(3), ["play"], 3),
    "two seconds": (played(2), [], 2),
    "a seek": (played(1, ["advance", 60, 2], ["advance", 61, 3]), [], 2),
    "a pause": (played(1, ["interrupt"], ["advance", 1, 50], ["advance", 2, 51]), [], 2),
    "80 %": (played(80), ["play", "complete"], 80),
    "left before half": (played(49, ["leave"]), ["play", "skip"], 49),
    "left after half": (played(51, ["leave"]), ["play"], 51),
    "never heard": ([["leave"]], [], 0),
}


def test_listening_is_measured_by_time_played(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    for name, (steps, reported, seconds) in LISTENING.items():
        assert visitor.page.evaluate(METER, steps) == [reported, pytest.approx(seconds)], name


def test_keyboard_and_media_keys_control_playback(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.wait_for_audio("audio.currentTime > 0.2")
    first = visitor.page.evaluate("navigator.mediaSession.metadata.title")
    visitor.page.evaluate("document.activeElement.blur()")
    visitor.page.locator("body").press("Space")
    visitor.wait_for_audio("audio.paused")
    visitor.page.locator("body").press("ArrowRight")
    visitor.wait_for_audio(f"audio.currentTime > {SONG_SECONDS - 2}")
    visitor.page.locator("body").press("m")
    visitor.wait_for_audio("audio.muted")
    visitor.page.evaluate("mediaKeys.seekto({ seekTime: 1 })")
    visitor.wait_for_audio("audio.currentTime < 2")
    visitor.page.evaluate("mediaKeys.nexttrack({})")
    expect(visitor.page.locator(".bar .song-title")).not_to_have_text(first)
    visitor.page.evaluate("mediaKeys.previoustrack({})")
    expect(visitor.page.locator(".bar .song-title")).to_have_text(first)
    visitor.page.evaluate("mediaKeys.pause({})")
    visitor.wait_for_audio("audio.paused")


def test_quality_changes_while_a_song_plays(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.wait_for_audio("audio.currentTime > 1")
    for choice, bitrate in (("low", "br_64k"), ("medium", "br_128k"), ("high", "br_320k")):
        visitor.page.get_by_label("Quality").first.select_option(choice)
        visitor.wait_for_audio(f"audio.src.includes('/{bitrate}/') && audio.currentTime > 1 && !audio.paused")


AUTO = """async (cases) => {
    const { suitable } = await import('/player/playback/quality.js');
    return cases.map(([kilobits, stalls]) => suitable(kilobits, stalls));
}"""


def test_auto_quality_follows_the_connection(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    cases = [[5000, 0], [800, 0], [799, 0], [319, 0], [None, 0], [5000, 1], [5000, 2]]
    assert visitor.page.evaluate(AUTO, cases) == ["high", "high", "medium", "low", "medium", "medium", "low"]


def test_queue_is_reordered_and_emptied(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.press("Queue")
    queued = visitor.page.locator(".queued .song-title")
    before = queued.all_inner_texts()
    visitor.page.get_by_role("button", name=f"Move {before[2]}", exact=True).press("ArrowUp")
    expect(queued.nth(1)).to_have_text(before[2])
    visitor.press(f"Remove {before[1]} from the queue")
    expect(queued).to_have_count(len(before) - 1)
    visitor.press("Clear")
    visitor.sees("Nothing in the queue")


def test_search_finds_misspelt_words_and_artists(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.search("lantren")
    assert visitor.titles() == ["Lantern Fog"]
    visitor.search("pale har")
    visitor.page.locator("main .card-title", has_text="Pale Harbour").click()
    expect(visitor.page.get_by_role("heading", name="Pale Harbour")).to_be_visible()


def test_likes_and_history_are_kept_and_cleared(visitors: Visitors) -> None:
    visitor = visitors.visitor(PRIYA)
    visitor.go("/liked")
    assert visitor.titles() == PRIYAS_LIKES
    visitor.go("/albums")
    visitor.page.get_by_role("link", name="Slow Weather").last.click()
    with visitor.page.expect_response(re.compile(r"/like$")):  # the heart is filled before it comes
        visitor.press("Like Lantern Fog")
    expect(visitor.page.get_by_role("button", name="Unlike Lantern Fog").first).to_be_visible()
    visitor.go("/liked")
    assert visitor.titles() == ["Lantern Fog", *PRIYAS_LIKES]
    visitor.go("/history")
    assert "Glass Elevator" in visitor.titles()
    visitor.press("Clear")
    visitor.page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    visitor.sees("Nothing played yet")
