"""The hf source against a local server that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "a" * 40
CARD = "---\nlicense: apache-2.0\n---\n# A tiny model\n"
SCRIPT = """
import json, sys
from headstart.base import reference
from headstart.errors import RequestError
try:
    encoder = reference.load(sys.argv[1])
    card = encoder.card
    answer = [card.reference, card.revision, card.licence, card.width, card.pretrained]
except RequestError as error:
    answer = str(error)
print("ANSWER" + json.dumps(answer))
"""


def _hub(folder):
    """Return a server with one repository, team/tiny, made of the files in ``folder``."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(body=False)

        def do_GET(self):
            self._answer(body=True)

        def _answer(self, body):
            data, headers, status = _found(folder, self.path.partition("?")[0])
            self._send(data, headers, body, status)

        def _send(self, data, headers, body, status):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _found(folder, path):
    """Return (bytes, headers, status) that the hub answers to ``path`` with."""
    files = sorted(folder.iterdir())
    if path.startswith("/api/models/team/tiny/tree/"):
        tree = [
            {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _oid(f)}
            for f in files
        ]
        return json.dumps(tree).encode(), {}, 200
    if path.startswith("/api/models/team/tiny"):
        info = {"id": "team/tiny", "modelId": "team/tiny", "sha": COMMIT}
        info["siblings"] = [{"rfilename": f.name} for f in files]
        return json.dumps(info).encode(), {}, 200
    name = path.removeprefix("/team/tiny/resolve/").partition("/")[2]
    if path.startswith("/team/tiny/resolve/") and (folder / name).is_file():
        headers = {"ETag": f'"{_oid(folder / name)}"', "X-Repo-Commit": COMMIT}
        return (folder / name).read_bytes(), headers, 200
    return b"{}", {"X-Error-Code": "RepoNotFound"}, 404


def _oid(file):
    return hashlib.sha1(file.read_bytes()).hexdigest()


@pytest.fixture
def endpoint(bert_folder):
    (bert_folder / "README.md").write_text(CARD, encoding="utf-8")
    (bert_folder / "evil.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    server = _hub(bert_folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def ask(reference, endpoint, home):
    """Return the card's fields, or the error, from a fresh process with an empty hub cache."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home)}
    for name in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, reference],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "ANSWER" in done.stdout, done.stderr
    return json.loads(done.stdout.partition("ANSWER")[2])


def test_a_base_is_fetched_without_its_code_and_known_by_its_commit(endpoint, tmp_path):
    home = tmp_path / "home"
    assert ask("hf:team/tiny", endpoint, home) == [
        "hf:team/tiny", COMMIT, "apache-2.0", 16, True,
    ]  # fmt: skip
    assert not list(home.rglob("evil.py"))
    # Once fetched, the hub may be gone.
    assert ask("hf:team/tiny", "http://127.0.0.1:9", home)[1] == COMMIT


def test_an_unknown_repository_is_refused_with_the_mend(endpoint, tmp_path):
    assert "check the spelling" in ask("hf:team/other", endpoint, tmp_path / "home")


@pytest.mark.parametrize("base", ["hf:team/tiny", "timm:resnet18.a1_in1k"])
def test_a_hub_out_of_reach_is_said_with_the_ways_on(base, tmp_path):
    answer = ask(base, "http://127.0.0.1:9", tmp_path / "home")
    assert "cannot be reached" in answer
    assert "local:FOLDER" in answer
    assert "HF_ENDPOINT" in answer
