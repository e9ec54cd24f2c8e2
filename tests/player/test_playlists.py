"""The web player in headless Chromium: playlists, reordered and shared."""

import pytest
from playwright.sync_api import Response, expect

from tests.player.browsing import Visitor, Visitors
from tests.player.content import JONAS, PRIYA, TITLES

pytestmark = pytest.mark.slow


def make_playlist(owner: Visitor, title: str) -> None:
    """With three songs, and open."""
    owner.go("/albums")
    owner.page.get_by_role("link", name="Neon Tides").last.click()
    owner.settle()
    for number, song in enumerate(TITLES[:3]):
        owner.choose(f"More for {song}", "Add to playlist")
        dialog = owner.page.get_by_role("dialog")
        if number == 0:
            dialog.get_by_label("New playlist").fill(title)
            dialog.get_by_role("button", name="Create").click()
        else:
            dialog.get_by_role("button", name=title).click()
        dialog.wait_for(state="detached")
    owner.go("/playlists")
    owner.page.get_by_role("link", name=title).last.click()
    expect(owner.page.get_by_role("heading", name=title)).to_be_visible()
    owner.settle()
    assert owner.titles() == list(TITLES[:3])


def drag(visitor: Visitor, song: str, to: str) -> None:
    """Take a song by its handle and drop it on the place of another one above."""
    grip = visitor.page.get_by_role("button", name=f"Move {song}", exact=True).bounding_box()
    target = visitor.page.get_by_role("button", name=f"Move {to}", exact=True).bounding_box()
    assert grip
    assert target
    mouse = visitor.page.mouse
    mouse.move(grip["x"] + 10, grip["y"] + grip["height"] / 2)
    mouse.down()
    mouse.move(grip["x"] + 10, target["y"] + target["height"] / 2 + 8, steps=6)
    mouse.move(grip["x"] + 10, target["y"] + 4, steps=3)
    mouse.up()


def test_playlist_is_reordered_by_two_people(visitors: Visitors) -> None:
    first, second, third = TITLES[:3]
    owner, friend = visitors.visitor(JONAS), visitors.visitor(PRIYA)
    make_playlist(owner, "Two of us")
    with owner.page.expect_response(lambda response: response.request.method == "PUT") as dropped:
        drag(owner, third, to=first)
    assert dropped.value.status == 200
    owner.settle()
    assert owner.titles() == [third, first, second]
    friend.go("/profile")
    friend.press("Copy")
    link = friend.page.evaluate("navigator.clipboard.readText()")
    owner.press("Collaborators")
    owner.page.get_by_label("Person").fill(link)
    owner.press("Add")
    owner.press("Remove Priya Raman", act=False)
    owner.press("Close")
    owner.settle()
    friend.page.goto(owner.page.url)
    friend.settle()
    assert friend.titles() == [third, first, second]
    friend.page.get_by_role("button", name=f"Move {second}", exact=True).press("ArrowUp")
    friend.wait_for_titles([third, second, first])
    owner.page.get_by_role("button", name=f"Move {third}", exact=True).press("ArrowDown")
    owner.sees("Somebody else changed it meanwhile")
    owner.wait_for_titles([third, second, first])
    assert [each for each in owner.problems if "412" not in each] == []
    owner.problems.clear()


def test_playlist_is_reordered_with_the_keyboard(visitors: Visitors) -> None:
    first, second, third = TITLES[:3]
    owner = visitors.visitor(JONAS)
    make_playlist(owner, "Step by step")
    volume = owner.audio("volume")
    handle = owner.page.get_by_role("button", name=f"Move {first}", exact=True)
    handle.focus()
    saved: list[int] = []

    def is_third_save(response: Response) -> bool:
        if response.request.method == "PUT":
            saved.append(response.status)
        return len(saved) == 3

    with owner.page.expect_response(is_third_save):
        for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
            owner.page.keyboard.press(key)
    assert saved == [200, 200, 200]
    owner.wait_for_titles([second, first, third])
    expect(handle).to_be_focused()
    assert owner.audio("volume") == volume
    owner.page.reload()
    owner.wait_for_titles([second, first, third])


def test_playlist_is_shared_by_link_until_revoked(visitors: Visitors) -> None:
    owner, visitor = visitors.visitor(JONAS), visitors.visitor()
    make_playlist(owner, "For everybody")
    owner.press("Share")
    owner.press("Make a link")
    link = owner.page.get_by_label("Share link").input_value()
    visitor.page.goto(link)
    expect(visitor.page.get_by_role("heading", name="For everybody")).to_be_visible()
    assert visitor.titles() == list(TITLES[:3])
    owner.press("Revoke all links")
    owner.sees("No link works any more")
    visitor.page.reload()
    expect(visitor.page.get_by_role("alert")).to_contain_text("not valid")
    assert len([each for each in visitor.problems if "404" in each]) == 1
    visitor.problems.clear()
