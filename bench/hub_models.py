"""Many models in a hub's registry, as if pushed: names, cards, tags, commits, files, states."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from headstart.hub.hub import Hub
from headstart.hub.registry import cards, trees
from headstart.hub.registry.git import blob_oid, pointer_oid
from headstart.hub.registry.model import Entry, Kind, State
from headstart.hub.registry.names import key_of
from headstart.hub.registry.tables import (
    CommitTable,
    EntryTable,
    NameTable,
    OwnerTable,
    RefTable,
    RepoTable,
    RepoTagTable,
    RevisionTable,
)

WORDS = ("bert", "sentiment", "reviews", "tickets", "llama", "vision", "birds", "legal", "support",
         "medical", "small", "large", "base", "german", "routing", "spam")  # fmt: skip
RARE, ABSENT = "quokka", "zzyzx"
OWNERS = [f"team-{number:03}" for number in range(300)]
TEAMS = OWNERS[:3]
_TASKS = ("text-classification", "token-classification", "text-generation", "feature-extraction",
          "image-classification", "summarization", "translation")  # fmt: skip
_LICENCES = ("apache-2.0", "mit", "other", "cc-by-4.0", "bsd-3-clause")
_LIBRARIES = ("transformers", "timm", "peft", "sentence-transformers", "headstart")
_LANGUAGES = ("en", "de", "fr", "es", "zh", "pl")
_BATCH, _RARE_EVERY = 2_000, 10_000
_TEXT = "\n\n## Limits\n\nDrawn for a benchmark; classifies nothing.\n" + "A line of words. " * 60
Rows = dict[Any, list[dict[str, Any]]]


def fill(hub: Hub, number: int) -> list[str]:
    """Put models into a hub that has none; return their names."""
    draw = random.Random(3)
    names: list[str] = []
    now = datetime.now(UTC)
    owners = [{"key": one, "name": one, "kind": "team", "created": now} for one in OWNERS]
    hub.database.write(lambda c: c.execute(insert(OwnerTable), owners))
    for start in range(0, number, _BATCH):
        rows: Rows = {}
        for index in range(start, min(start + _BATCH, number)):
            names.append(_model(hub, draw, rows, index, names, now))
        hub.database.write(lambda c, rows=rows: _put(c, rows))  # type: ignore[misc]
    hub.database.write(lambda c: c.execute(text("ANALYZE")))
    return names


def _put(connection: Connection, rows: Rows) -> None:
    for table, values in rows.items():
        connection.execute(insert(table), values)


def _model(
    hub: Hub, draw: random.Random, rows: Rows, index: int, names: list[str], now: datetime
) -> str:
    owner = draw.choice(OWNERS)
    name = f"{owner}/{draw.choice(WORDS)}-{draw.choice(WORDS)}-{index}"
    if index % _RARE_EVERY == 17:
        name += f"-{RARE}"
    card = _card(draw, names)
    found = list(_files(hub, draw, card, index))
    tree = trees.name_of(found)
    identity, commit = f"{index:032x}", f"{draw.getrandbits(160):040x}"
    published, when = draw.random() < 0.8, now - timedelta(minutes=draw.random() * 500_000)
    tags = cards.tags(card)

    def row(table: Any, **values: Any) -> None:
        rows.setdefault(table, []).append(values)

    row(
        RepoTable, id=identity, kind=Kind.MODEL, name=name, owner=key_of(owner),
        private=draw.random() < 0.33, created=when, changed=when, published=published,
        downloads=int(draw.paretovariate(0.7)) % 10**7, library=card["library_name"],
        pipeline=card["pipeline_tag"], size=sum(one.size for one in found), parameters=None,
        card=card, words=" ".join([name, *tags]).lower(),
    )  # fmt: skip
    row(NameTable, kind=Kind.MODEL, key=key_of(name), repo=identity)
    for tag in tags:
        row(RepoTagTable, tag=tag, repo=identity, changed=when)
    row(
        CommitTable, id=commit, repo=identity, serial=0, parent=None, tree=tree, title="push",
        message="", author=owner, created=when,
    )  # fmt: skip
    for one in found:
        row(EntryTable, tree=tree, **vars(one))
    row(
        RefTable, repo=identity, kind="branch", name="main", head=commit,
        published=commit if published else None,
    )  # fmt: skip
    judged = State.APPROVED if published else draw.choice((State.REFUSED, State.GATED, None))
    if judged:
        row(
            RevisionTable, repo=identity, commit=commit, tree=tree, state=judged, evidence=None,
            by="gate", changed=when, expires=None,
        )  # fmt: skip
    return name


def _card(draw: random.Random, names: list[str]) -> dict[str, Any]:
    card: dict[str, Any] = {
        "license": draw.choice(_LICENCES), "pipeline_tag": draw.choice(_TASKS),
        "library_name": draw.choice(_LIBRARIES), "language": draw.sample(_LANGUAGES, 2),
        "tags": draw.sample(WORDS, 3), "datasets": [f"team-{draw.randrange(300):03}/data"],
    }  # fmt: skip
    if names and draw.random() < 0.7:
        card["base_model"] = names[int(len(names) * draw.random() ** 3)]
    return card


def _files(hub: Hub, draw: random.Random, card: dict[str, Any], index: int) -> Iterator[Entry]:
    """Give a model's files; few hundred contents are really kept, which any pages show."""
    readme = "---\n" + json.dumps(card) + "\n---\n# A model\n" + _TEXT
    told = readme.encode() if index % 200 == 0 else _COMMON
    for path, data in (("README.md", told), ("config.json", b'{"model_type": "bert"}')):
        sha256 = hub.store.add([data]).sha256 if index % 200 == 0 else _kept(hub, data)
        yield Entry(path, blob_oid(data), sha256, len(data), large=False)
    sha256, size = f"{draw.getrandbits(256):064x}", draw.randrange(10**6, 10**9)
    yield Entry("model.safetensors", pointer_oid(sha256, size), sha256, size, large=True)


_COMMON = b"---\nlicense: mit\n---\n# A model\n" + _TEXT.encode()
_KEPT: dict[tuple[Any, bytes], str] = {}


def _kept(hub: Hub, data: bytes) -> str:
    key = hub.root, data
    if key not in _KEPT:
        _KEPT[key] = hub.store.add([data]).sha256
    return _KEPT[key]
