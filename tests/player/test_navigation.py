"""The web player in headless Chromium: pages, their titles and focus, dialogs and menus, Back and Forward."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.player.browsing import Visitor, Visitors
from tests.player.content import JONAS

pytestmark = pytest.mark.slow

FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"


def search_box(visitor: Visitor) -> Page:
    visitor.page.get_by_role("searchbox", name="Search").click()
    return visitor.page


def test_search_field_keeps_focus_between_pauses(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.wait_for_audio("!audio.paused")
    keyboard = search_box(visitor).keyboard
    keyboard.type("ha")
    expect(visitor.page.locator("main h1")).to_have_text("“ha”")
    keyboard.type("lf")
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")
    expect(visitor.page.locator("main h1")).to_have_text("“half”")
    keyboard.type(" m")
    expect(visitor.page.get_by_role("searchbox", name="Search")).to_have_value("ha mlf")
    assert visitor.audio("muted") is False
    assert visitor.audio("paused") is False


def test_search_field_takes_a_percent_sign(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.page.goto(f"{visitor.url}/#/search/100%")
    expect(visitor.page.locator("main h1")).to_have_text("“100%”")
    expect(visitor.page.get_by_role("searchbox", name="Search")).to_have_value("100%")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("/albums", "Neon Tides"),
        ("/search/glass elevator", "Glass Elevator"),
        ("/artists", "Nova Lumen"),
    ],
)
def test_loaded_page_has_title_and_focus(visitors: Visitors, page: str, title: str) -> None:
    visitor = visitors.visitor()
    visitor.go(page)
    visitor.page.locator("main").get_by_role("link", name=title).last.click()
    expect(visitor.page.get_by_role("heading", level=1, name=title)).to_be_focused()
    expect(visitor.page).to_have_title(f"{title} · Encore")
    expect(visitor.page.locator("#announcer")).to_have_text(title)


@pytest.mark.parametrize("path", ["/albums/", "/songs/", "/artists/", "/shared/"])
def test_failed_page_has_a_title(visitors: Visitors, path: str) -> None:
    visitor = visitors.visitor()
    visitor.page.evaluate(f"location.hash = '#{path}{'0' * 24}'")
    heading = visitor.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("not found|not valid"))
    expect(heading).to_be_focused()
    expect(visitor.page).to_have_title(f"{heading.inner_text()} · Encore")
    visitor.settle()
    visitor.problems.clear()


def test_dialog_stays_while_text_is_selected(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.go("/playlists")
    visitor.press("New")
    title = visitor.page.get_by_role("textbox", name="New playlist")
    title.fill("Songs for Monday")
    box = title.bounding_box()
    assert box
    mouse = visitor.page.mouse
    mouse.move(box["x"] + 80, box["y"] + 10)
    mouse.down()
    mouse.move(10, box["y"] + 10, steps=4)
    mouse.up()
    expect(title).to_have_value("Songs for Monday")
    mouse.click(10, box["y"] + 10)
    expect(title).to_have_count(0)


def test_back_closes_a_dialog_and_nothing_else(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    for page in ("Artists", "Albums"):
        visitor.page.get_by_role("link", name=page, exact=True).first.click()
        visitor.settle()
    visitor.press("Sign in")
    visitor.page.get_by_role("dialog").wait_for()
    visitor.page.evaluate("history.back()")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    visitor.wait_until("location.hash === '#/albums'")
    expect(visitor.page.get_by_role("heading", level=1, name="Albums")).to_be_visible()
    visitor.page.evaluate("history.back()")
    expect(visitor.page.get_by_role("heading", level=1, name="Artists")).to_be_visible()


def test_back_restores_the_scroll_position(visitors: Visitors) -> None:
    visitor = visitors.visitor(on_phone=True)
    visitor.page.evaluate("document.querySelector('main').scrollTo({ top: 700, behavior: 'instant' })")
    visitor.page.get_by_role("link", name="All albums").evaluate("(link) => link.click()")
    expect(visitor.page.get_by_role("heading", level=1, name="Albums")).to_be_visible()
    assert visitor.page.evaluate("document.querySelector('main').scrollTop") == 0
    visitor.page.evaluate("history.back()")
    visitor.wait_until("Math.abs(document.querySelector('main').scrollTop - 700) < 2")


def test_second_click_closes_a_menu(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    menu = visitor.page.get_by_role("menu")
    for shown in (1, 0, 1):
        visitor.press("Account of Jonas Lindqvist")
        visitor.page.wait_for_timeout(100)
        expect(menu).to_have_count(shown)


def test_queue_keeps_focus_after_a_removal(visitors: Visitors) -> None:
    visitor = visitors.visitor()
    visitor.press("Play what is trending")
    visitor.press("Queue")
    titles = visitor.page.locator(".queued .song-title").all_inner_texts()
    visitor.page.get_by_role("button", name=f"Remove {titles[1]} from the queue").press("Enter")
    assert visitor.page.evaluate(FOCUSED) == f"Remove {titles[2]} from the queue"
