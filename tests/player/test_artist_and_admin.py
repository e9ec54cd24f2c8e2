"""The web player in headless Chromium: artists, admins, the API panel, and who cannot see or use a mouse."""

import re
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import expect

from tests.player.browsing import Visitor, Visitors
from tests.player.content import ADMIN, JONAS, NOVA
from tests.system.media import audio
from tests.system.running import RunningSystem

pytestmark = pytest.mark.slow


def sample(folder: Path) -> Path:
    path = folder / "My_first_song.mp3"
    path.write_bytes(audio(seconds=4))
    return path


def test_artist_uploads_edits_and_hides_a_song(visitors: Visitors, tmp_path: Path) -> None:
    artist = visitors.visitor(NOVA)
    artist.go("/studio")
    artist.press("Upload a song")
    artist.page.get_by_label("Audio").set_input_files(sample(tmp_path))
    expect(artist.page.get_by_label("Title")).to_have_value("My first song")
    artist.page.get_by_label("Genre").fill("Jazz")
    artist.page.evaluate(
        """() => new MutationObserver((changes) => (window.progress = changes.length))
            .observe(document.querySelector('progress'), { attributes: true })"""
    )
    artist.page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    artist.sees("My first song is uploaded")
    assert artist.page.evaluate("window.progress") >= 1
    artist.press("Edit My first song")
    artist.page.get_by_label("Title").fill("My second thought")
    artist.press("Save")
    artist.page.get_by_role("switch", name="My second thought is public").uncheck()
    artist.sees("My second thought is private")
    listener = visitors.visitor()
    listener.search("second thought")
    listener.sees("Nothing found")
    artist.press("Delete My second thought")
    artist.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    artist.sees("My second thought is deleted")


def test_upload_suggests_the_title_of_the_chosen_file(visitors: Visitors, tmp_path: Path) -> None:
    wrong = tmp_path / "Wrong_file.mp3"
    wrong.write_bytes(b"")
    artist = visitors.visitor(NOVA)
    artist.go("/studio")
    artist.press("Upload a song")
    audio, title = artist.page.get_by_label("Audio"), artist.page.get_by_label("Title")
    audio.set_input_files(wrong)
    expect(title).to_have_value("Wrong file")
    audio.set_input_files(sample(tmp_path))
    expect(title).to_have_value("My first song")
    title.fill("My own title")
    audio.set_input_files(wrong)
    expect(title).to_have_value("My own title")


def test_blank_titles_are_refused_alike(visitors: Visitors, tmp_path: Path) -> None:
    artist = visitors.visitor(NOVA)
    artist.go("/studio")
    artist.press("Upload a song")
    artist.page.get_by_label("Audio").set_input_files(sample(tmp_path))
    messages = [refusal(artist, "Upload")]
    artist.page.keyboard.press("Escape")
    artist.press("Edit Glass Elevator")
    messages.append(refusal(artist, "Save"))
    assert messages == ["Title is required", "Title is required"]


def refusal(artist: Visitor, action: str) -> str | None:
    """What a form says of a blank title; it stays open."""
    dialog = artist.page.get_by_role("dialog")
    title = dialog.get_by_label("Title")
    title.fill("  ")
    dialog.get_by_role("button", name=action).click()
    assert title.evaluate("(input) => input.validity.patternMismatch")
    return title.get_attribute("title")


def test_edit_keeps_the_album_while_albums_fail_to_load(visitors: Visitors) -> None:
    artist = visitors.visitor(NOVA)
    artist.page.route("**/api/albums/**", lambda route: route.abort())
    artist.go("/studio")
    artist.press("Edit Glass Elevator")
    artist.page.get_by_role("dialog").get_by_role("button", name="Try again").wait_for()
    with artist.page.expect_request(lambda request: request.method == "PATCH") as saved:
        artist.press("Save")
    assert set(saved.value.post_data_json or {}) == {"title", "genre", "mood"}
    artist.sees("Saved")
    artist.page.unroute("**/api/albums/**")
    artist.go("/albums")
    artist.page.get_by_role("link", name="Neon Tides").last.click()
    artist.press("Play Glass Elevator by Nova Lumen", act=False)
    assert [each for each in artist.problems if "ERR_FAILED" not in each] == []
    artist.problems.clear()


def test_artist_sees_statistics_as_a_chart(visitors: Visitors) -> None:
    artist = visitors.visitor(NOVA)
    artist.go("/studio/statistics")
    plays = artist.page.locator(".totals dd").first
    assert int(plays.inner_text()) >= 4
    chart = artist.page.get_by_role("img", name="Plays per day")
    assert artist.page.locator(".chart-bar").count() == 28
    expect(chart).to_have_attribute("aria-label", f"Plays per day: {plays.inner_text()} in 28 days")
    artist.page.get_by_label("Period").select_option("7")
    expect(artist.page.locator(".chart-bar")).to_have_count(7)


def test_admin_changes_roles_and_blocks_users(visitors: Visitors) -> None:
    guest = visitors.visitor()
    guest.press("Sign in")
    guest.press("New account")
    guest.sees("Signed in as")
    name = guest.page.evaluate("JSON.parse(localStorage['player.account']).fullName")
    email = guest.page.evaluate("JSON.parse(localStorage['player.account']).email")
    admin = visitors.visitor(ADMIN)
    admin.go("/admin/users")
    admin.page.get_by_role("searchbox", name="Find users").fill(email)
    expect(admin.page.locator("main .row")).to_have_count(1)
    admin.page.get_by_label(f"Role of {name}").select_option("artist")
    admin.sees(f"{name} is now artist")
    guest.page.reload()
    expect(guest.page.get_by_role("link", name="Studio")).to_be_visible()
    blocked = admin.page.get_by_role("switch", name=f"{name} is blocked")
    blocked.check()
    admin.sees(f"{name} is blocked")
    admin.settle()
    expect(blocked).to_be_focused()
    guest.page.reload()
    guest.settle()
    guest.sees("Trending")
    guest.go("/profile")
    guest.sees("An admin has blocked this account")
    sign_in_again(guest, name, email)
    guest.sees("An admin has blocked this account")
    guest.press(f"Account of {name}", act=False)
    assert [each for each in guest.problems if "403" not in each] == []
    guest.problems.clear()
    blocked.uncheck()
    admin.sees(f"{name} is free again")
    admin.go("/admin/audit")
    rows = admin.page.locator(".table tbody tr")
    expect(rows.locator(".tag")).to_contain_text(["unblocked", "blocked", "made artist"])
    expect(rows.first).to_contain_text(f"Ada Admin{name}")


def sign_in_again(visitor: Visitor, name: str, email: str) -> None:
    visitor.choose(f"Account of {name}", "Sign out")
    visitor.press("Sign in")
    visitor.page.get_by_text("Another e-mail address").click()
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_label("E-mail").fill(email)
    visitor.page.get_by_role("dialog").get_by_role("button", name="Sign in").click()


def test_admin_hides_a_song_from_everybody(visitors: Visitors) -> None:
    admin, visitor = visitors.visitor(ADMIN), visitors.visitor()
    admin.go("/admin/songs")
    switch = admin.page.get_by_role("switch", name="Moss Cathedral is visible")
    switch.uncheck()
    admin.sees("Moss Cathedral is hidden from everybody else")
    visitor.search("moss cathedral")
    visitor.sees("Nothing found")
    switch.check()
    admin.sees("Moss Cathedral is visible again")


def test_api_panel_lists_requests_and_copies_them(visitors: Visitors) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.press("API panel")
    visitor.go("/albums")
    call = visitor.page.locator(".call", has_text="/albums?limit=24").first
    expect(call).to_contain_text("200")
    call.locator("summary").click()
    identifier = call.locator("dd").nth(2).inner_text()
    assert re.fullmatch(r"[0-9a-f]{32}", identifier)
    call.get_by_role("button", name="Copy GET").click()
    command = visitor.page.evaluate("navigator.clipboard.readText()")
    url, token = re.findall(r"'(http[^']+)' -H 'authorization: ([^']+)'", command)[0]
    assert httpx.get(url, headers={"Authorization": token}, timeout=30).status_code == 200


def test_api_panel_makes_a_provider_fail(visitors: Visitors, system: RunningSystem) -> None:
    visitor = visitors.visitor(JONAS)
    visitor.press("API panel")
    visitor.page.get_by_text("Make a provider fail").click()
    visitor.page.get_by_label("Fault of Recombee").select_option("down")
    visitor.sees("Recombee now fails as chosen")
    assert httpx.get(f"{system.cloud}/faults", timeout=30).json()["recombee"]["status"] == 503
    visitor.page.locator(".health-fair", has_text="song").wait_for()
    visitor.go("/")
    assert visitor.page.locator("section", has_text="For you").locator(".card").count() > 0
    visitor.page.get_by_label("Fault of Recombee").select_option("off")
    visitor.sees("Recombee works again")
    assert httpx.get(f"{system.cloud}/faults", timeout=30).json() == {}


PAGES: tuple[tuple[tuple[str, str] | None, tuple[str, ...]], ...] = (
    (None, ("/", "/search/velvet", "/albums", "/artists", "/genres/Ambient")),
    (JONAS, ("/liked", "/history", "/playlists", "/profile")),
    (NOVA, ("/studio", "/studio/statistics")),
    (ADMIN, ("/admin/users", "/admin/songs", "/admin/audit")),
)


@pytest.mark.parametrize(("scheme", "on_phone"), [("light", False), ("dark", True)])
def test_pages_have_no_serious_accessibility_findings(
    visitors: Visitors, scheme: Literal["light", "dark"], *, on_phone: bool
) -> None:
    findings = []
    for account, paths in PAGES:
        visitor = visitors.visitor(account, scheme=scheme, on_phone=on_phone)
        for path in paths:
            visitor.go(path)
            findings += [f"{path} {each}" for each in visitor.serious_findings()]
    assert findings == []


def test_dialogs_and_panels_have_no_serious_findings(visitors: Visitors) -> None:
    visitor = visitors.visitor(scheme="dark")
    visitor.press("Play what is trending")
    findings = look_at(visitor, "Sign in") + look_at(visitor, "Open the large view")
    for panel in ("Queue", "API panel"):
        visitor.press(panel)
        findings += visitor.serious_findings()
    assert findings == []


def look_at(visitor: Visitor, opener: str) -> list[str]:
    visitor.press(opener)
    visitor.page.locator("dialog[open]").wait_for()
    findings = visitor.serious_findings()
    visitor.page.keyboard.press("Escape")
    return findings
