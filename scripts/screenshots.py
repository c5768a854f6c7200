"""Take the pictures of a report for the README: headless Chromium at desktop and phone width.

    python scripts/screenshots.py demo-out/report.html docs/pictures

Chromium is driven over its DevTools protocol through two pipes (``--remote-debugging-pipe``), so
that nothing but the standard library is needed and a phone's viewport is a real one.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
VIEWS = (("desktop", 1280, 1500, 1.0), ("phone", 390, 1500, 1.0))


class BrowserError(RuntimeError):
    """Chromium is missing, or did not do what it was told."""


@dataclass
class Page:
    """What became of a loaded page: complaints on its console, addresses that it asked for."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def find_chromium() -> str | None:
    """Return the path of Chromium on the PATH, or None."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """A headless Chromium with one tab; a context manager that ends it and its profile."""

    def __init__(self, patience: float = 60.0) -> None:
        program = find_chromium()
        if program is None:
            raise BrowserError(f"no Chromium on the PATH (looked for {', '.join(PROGRAMS)})")
        self._patience = patience
        self._profile = tempfile.mkdtemp(prefix="headstart-chromium-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4; the shell puts them there.
        line = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        flags = [*FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", line, program, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.page = Page()

    def __enter__(self) -> Browser:
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result; events that arrive meanwhile are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self._patience
        while True:
            answer = self._receive(deadline)
            if answer.get("id") != self._number:
                self._note(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            else:
                return dict(answer["result"])

    def open(self, address: str, width: int, height: int, scale: float = 1.0) -> Page:
        """Load ``address`` in a viewport of ``width`` x ``height`` CSS pixels; wait until drawn."""
        self.page = Page()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        self.call("Page.navigate", url=address)
        drawn = "document.readyState === 'complete' && 'ready' in document.documentElement.dataset"
        deadline = time.monotonic() + self._patience
        while not self.evaluate(f"location.href !== 'about:blank' && {drawn}"):
            if time.monotonic() > deadline:
                raise BrowserError(f"{address} was not drawn within {self._patience:.0f} s")
            time.sleep(0.05)
        return self.page

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return told["result"].get("value")

    def media(self, kind: str = "", scheme: str = "light") -> None:
        """Show the page as on ``kind`` ("print", "screen") and in a light or dark scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=kind, features=features)

    def picture(self, width: int, height: int, top: int = 0) -> bytes:
        """Return a PNG of ``width`` x ``height`` CSS pixels of the page, from ``top`` on."""
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        taken = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise BrowserError(f"Chromium did not answer within {self._patience:.0f} s")
            read = os.read(self._in, 1 << 20)
            if not read:
                raise BrowserError("Chromium ended early")
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        method, told = event.get("method", ""), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.page.complaints.append(json.dumps(told["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.page.complaints.append(json.dumps(told["args"])[:500])
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.page.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.page.requests.append(told["request"]["url"][:200])


def take(report: Path, folder: Path) -> list[Path]:
    """Write ``report-desktop.png`` and ``report-phone.png`` to ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with Browser() as browser:
        browser.media()
        for name, width, height, scale in VIEWS:
            browser.open(report.resolve().as_uri(), width, height, scale)
            path = folder / f"report-{name}.png"
            path.write_bytes(browser.picture(width, height))
            written.append(path)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Run the script; exit code 2 where the request is wrong."""
    parser = argparse.ArgumentParser(description="Take the pictures of a report.")
    parser.add_argument("report", type=Path, help="report.html of a study")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/pictures"))
    chosen = parser.parse_args(arguments)
    if not chosen.report.is_file():
        print(f"error: there is no report at {chosen.report}", file=sys.stderr)
        return 2
    try:
        for path in take(chosen.report, chosen.folder):
            print(f"{path}  {path.stat().st_size / 1000:.0f} kB")
    except BrowserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
