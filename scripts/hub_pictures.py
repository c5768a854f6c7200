"""Take the pictures of the hub's pages: of models that are really trained, gated and approved.

    python scripts/hub_pictures.py docs/pictures

It makes a hub in a temporary folder with headstart's own commands (two studies,
one from the other's model; a draft that the gate refuses), serves it, and looks at its pages.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from screenshots import Browser

from headstart.task.packaged import read_packaged

PATIENCE = 120.0
LIMIT = 200_000
STUDIES = (  # the second one begins with what the first one found
    ("emoji-names", ("Food & Drink", "Animals & Nature", "Flags", "Objects"), "probe",
     "bundled:minilm-l6"),
    ("food-or-animal", ("Food & Drink", "Animals & Nature"), "partial",
     "hub:language/emoji-names@approved"),
)  # fmt: skip
ROWS = 60
REFUSED = {
    "README.md": "---\nlicense: cc-by-nc-4.0\npipeline_tag: image-classification\n---\n# Birds\n",
    "config.json": '{"model_type": "resnet", "auto_map": {"AutoModel": "birds.Net"}}',
    "birds.py": "import os\n",
}
PROFILE = "/profile?role=llm-engineer&level=lead&compare=principal"
VIEWS = (  # file, address, what of the page is at the top, width, height, light or dark
    ("hub-models", "/models", "body", 1280, 560, "light"),
    ("hub-lineage", "/language/food-or-animal/lineage", "body", 1280, 1060, "light"),
    ("hub-gate", "/vision/birds/commit/main", "body", 1280, 1000, "light"),
    ("hub-profile", PROFILE, "#comparison-llm-engineer", 1280, 880, "light"),
    ("hub-phone", "/language/food-or-animal", "body", 390, 844, "dark"),
)
TOP = "Math.max(0, document.querySelector('{}').getBoundingClientRect().top + scrollY - 16)"


@dataclass(frozen=True)
class Hub:
    """A hub that runs, and the tokens of those who use it."""

    root: Path
    address: str
    tokens: dict[str, str]

    def command(self, *words: str, who: str = "ann") -> str:
        """Run headstart as somebody; return what it says."""
        return command(*words, HEADSTART_HUB=self.address, HF_TOKEN=self.tokens[who])


def command(*words: str, **environment: str) -> str:
    """Run ``headstart``; raise with its words where it did not do its work."""
    done = subprocess.run(
        [sys.executable, "-m", "headstart.cli.main", *words],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip
    if done.returncode and words[:2] != ("hub", "gate"):
        raise SystemExit(f"headstart {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def served(place: Path) -> Iterator[Hub]:
    """Serve a new hub in a folder, with its people, until the block ends."""
    root, studies = place / "hub", place / "studies"
    studies.mkdir()
    tokens = {}
    for who, role, teams in (("ann", "write", ("language", "vision")), ("cara", "approve", ())):
        named = [word for team in teams for word in ("--team", team)]
        told = command("hub", "token", "create", "--root", str(root), "--user", who,
                       "--role", role, *named, "--json")  # fmt: skip
        tokens[who] = json.loads(told)["token"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", place / "server.txt"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "headstart.cli.main", "hub", "serve", "--root", str(root),
             "--studies", str(studies), "--port", str(port)],
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait(address, log, server)
        yield Hub(root, address, tokens)
    finally:
        server.terminate()
        server.wait(30)


def _wait(address: str, log: Path, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError):
            urlopen(address, timeout=5).close()
            return
        time.sleep(0.2)
    raise SystemExit(f"the hub did not start: {log.read_text(encoding='utf-8')}")


def furnish(hub: Hub, place: Path) -> None:
    """Train, push, judge and approve: all that the pictures show."""
    for name, kinds, method, base in STUDIES:
        data = _written(place / f"{name}.csv", kinds)
        hub.command(
            "adapt",
            str(data),
            "--target",
            "kind",
            "--base",
            base,
            "--method",
            method,
            "--seeds",
            "1",
            "--budget",
            "10s",
            "--retain",
            "packaged:emojis",
            "--out",
            str(place / "studies" / name),
            "--push",
            f"language/{name}",
        )
        told = hub.command("hub", "gate", f"language/{name}", "--root", str(hub.root))
        if "FAILED" in told:
            raise SystemExit(told)
        hub.command("hub", "approve", f"language/{name}", who="cara")
    folder = place / "birds"
    folder.mkdir()
    for file, text in REFUSED.items():
        (folder / file).write_text(text, encoding="utf-8")
    hub.command("hub", "push", str(folder), "vision/birds", "--message", "Bring birds")
    hub.command("hub", "gate", "vision/birds", "--root", str(hub.root))


def _written(path: Path, kinds: Sequence[str]) -> Path:
    """Write the names of some emojis of these kinds, in their order, as a table."""
    found = read_packaged("packaged:emojis").columns
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "kind"))
        for kind in kinds:
            rows = [row for row in zip(found["text"], found["category"], strict=True)
                    if row[1] == kind]  # fmt: skip
            table.writerows(rows[:ROWS])
    return path


def take(hub: Hub, folder: Path) -> list[Path]:
    """Write one picture a view; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with Browser() as browser:
        _sign_in(browser, hub, "cara")
        for name, path, top, width, height, scheme in VIEWS:
            browser.media("", scheme)
            browser.open(hub.address + path, width, height)
            begin = int(browser.evaluate(TOP.format(top)))
            picture = folder / f"{name}.png"
            picture.write_bytes(browser.picture(width, height, begin))
            written.append(picture)
    return written


def _sign_in(browser: Browser, hub: Hub, who: str) -> None:
    browser.open(f"{hub.address}/login?next=/teams", 1280, 900)
    browser.evaluate(f"document.querySelector('#token').value = {json.dumps(hub.tokens[who])}")
    browser.evaluate("document.querySelector('form.stack button').click()")
    deadline = time.monotonic() + PATIENCE
    while browser.evaluate("location.pathname") != "/teams":
        if time.monotonic() > deadline:
            raise SystemExit("signing in did not work")
        time.sleep(0.05)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; exit code 1 where a picture is too large for the repository."""
    parser = argparse.ArgumentParser(description="Take the pictures of the hub's pages.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/pictures"))
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="headstart-hub-") as place, served(Path(place)) as hub:
        furnish(hub, Path(place))
        written = take(hub, chosen.folder)
    for path in written:
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")
    return int(any(path.stat().st_size > LIMIT for path in written))


if __name__ == "__main__":
    sys.exit(main())
