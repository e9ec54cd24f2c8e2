"""The web player in headless Chromium: pages, their titles and focus, dialogs and menus, Back and Forward."""

import pytest
from playwright.sync_api import Page, expect

from tests.player.browsing import Visitor, Visitors

pytestmark = pytest.mark.slow


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
