"""Speak the protocol in a few words, without a client's care."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from tests.hub.conftest import Person

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Talk:
    """Somebody asks the server; what it raises is a 500, redirects are shown."""

    client: TestClient

    def ask(
        self, method: str, path: str, person: Person | str | None = None, **options: Any
    ) -> Any:
        """Return the answer to one request."""
        text = person.token if isinstance(person, Person) else person
        headers = {**options.pop("headers", {})}
        if text:
            headers["Authorization"] = f"Bearer {text}"
        return self.client.request(method, path, headers=headers, **options)

    def create(
        self, person: Person, name: str, *, private: bool = True, kind: str = "model"
    ) -> Any:
        """Make a repo (``name`` or ``owner/name``)."""
        body = {"name": name, "private": private, "type": kind}
        return self.ask("POST", "/api/repos/create", person, json=body)

    def commit(
        self, person: Person | None, repo: str, *lines: Mapping[str, Any], kind: str = "model",
        summary: str = "x", revision: str = "main",
    ) -> Any:  # fmt: skip
        """Send a commit."""
        all_lines = [{"key": "header", "value": {"summary": summary}}, *lines]
        body = "\n".join(map(json.dumps, all_lines)).encode()
        path = f"/api/{kind}s/{repo}/commit/{revision}"
        return self.ask("POST", path, person, content=body)

    def push(self, person: Person, repo: str, kind: str = "model", **files: bytes | str) -> Any:
        """Commit small files (``__`` in a name stands for a dot)."""
        lines = [small(path.replace("__", "."), data) for path, data in files.items()]
        return self.commit(person, repo, *lines, kind=kind)


def small(path: str, content: bytes | str = b"x") -> dict[str, Any]:
    """Return the line of a commit that brings a small file."""
    data = content.encode() if isinstance(content, str) else content
    return {"key": "file", "value": {"path": path, "content": base64.b64encode(data).decode()}}


def large(oid: str, size: int, path: str = "w.bin") -> dict[str, Any]:
    """Return the line of a commit that names a large file."""
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": size}}
