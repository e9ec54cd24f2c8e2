"""A headless Chromium with the player in it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

TIMEOUT_MILLISECONDS = 30_000
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}
SERIOUS = ("serious", "critical")

# Keeps what the page gives the browser for its media keys: no key of a keyboard reaches a headless browser.
KEEP_MEDIA_KEYS = """
    window.mediaKeys = {};
    const original = MediaSession.prototype.setActionHandler;
    MediaSession.prototype.setActionHandler = function (action, handler) {
        window.mediaKeys[action] = handler;
        original.call(this, action, handler);
    };
"""

LOUDEST_SAMPLE = """async () => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(document.querySelector('audio').captureStream()).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (let look = 0; look < 20 && loudest < 0.01; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
    }
    await context.close();
    return loudest;
}"""


def find_chromium() -> str | None:
    """Debian's Chromium without a user interface, which needs a third less processor time, or another one."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Without a window and its sandbox, which containers do not allow; sound needs a click, as everywhere."""
    arguments = ["--autoplay-policy=document-user-activation-required", "--mute-audio"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments, chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """A page of the player, in a browser profile of its own, and what went wrong in it."""

    page: Page
    context: BrowserContext
    url: str
    problems: list[str] = field(default_factory=list)
    tracked: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note_error)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("response", lambda response: self._note(response.url, response.status))

    def _note_error(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.problems.append(said.text)

    def _note(self, url: str, status: int) -> None:
        if "/track/" in url:
            self.tracked.append((url.rpartition("/")[2], status))

    def go(self, path: str) -> None:
        """Open a page of the player, and wait until nothing on it is loading."""
        self.page.goto(f"{self.url}/#{path}")
        self.settle()

    def settle(self) -> None:
        self.wait_until("document.querySelector('main h1') && !document.querySelector('main [aria-busy]')")

    def wait_until(self, condition: str) -> None:
        """Not Playwright's own `wait_for_function`: it needs eval, which the page forbids."""
        deadline = time.monotonic() + TIMEOUT_MILLISECONDS / 1000
        while not self.page.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"not so in time: {condition}"
            self.page.wait_for_timeout(40)

    def press(self, name: str, *, act: bool = True) -> None:
        """Press the first button of this name that is shown, or only wait for it."""
        found = self.page.get_by_role("button", name=name, exact=True).first
        if act:
            found.click()
        else:
            found.wait_for()

    def choose(self, menu: str, item: str) -> None:
        self.press(menu)
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def search(self, text: str) -> None:
        self.page.get_by_role("searchbox", name="Search").fill(text)
        expect(self.page.locator("main h1")).to_have_text(f"“{text}”")
        self.settle()

    def titles(self) -> list[str]:
        """Of the songs in the list on the page."""
        return self.page.locator("main .songs .song-title").all_inner_texts()

    def wait_for_titles(self, titles: list[str]) -> None:
        expect(self.page.locator("main .songs .song-title")).to_have_text(titles)

    def audio(self, member: str) -> Any:
        return self.page.evaluate(f"document.querySelector('audio').{member}")

    def wait_for_audio(self, condition: str) -> None:
        """`condition` speaks of `audio`."""
        self.wait_until(f"((audio) => {condition})(document.querySelector('audio'))")

    def serious_findings(self) -> list[str]:
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]


class Visitors:
    """Opens the player; `close` says what went wrong in any page."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._open: list[Visitor] = []

    def visitor(
        self,
        account: tuple[str, str] | None = None,
        *,
        scheme: Literal["light", "dark"] = "light",
        on_phone: bool = False,
    ) -> Visitor:
        """Somebody with the player open; `account` (e-mail and name) is signed in already."""
        context = self._browser.new_context(
            viewport=PHONE if on_phone else DESKTOP,  # type: ignore[arg-type] # a TypedDict, passed as a dict
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        context.add_init_script(KEEP_MEDIA_KEYS)
        if account:
            email, name = account
            remembered = json.dumps(json.dumps({"email": email, "fullName": name}))
            context.add_init_script(f"localStorage['player.account'] ??= {remembered}")
        visitor = Visitor(context.new_page(), context, self._url)
        self._open.append(visitor)
        visitor.page.goto(self._url)
        visitor.settle()
        return visitor

    def close(self) -> None:
        problems = [problem for visitor in self._open for problem in visitor.problems]
        for visitor in self._open:
            visitor.context.close()
        self._open.clear()
        assert problems == [], problems
