"""Values that no database, JSON or YAML can hold: refused in words, and no list is spoilt."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.hub.conftest import Person
from tests.hub.serve.talk import JSON, Talk, small

HALF = '"\\ud800"'  # half of a sign: JSON can say it, UTF-8 cannot
CARDS = {
    "infinity": "a: .inf", "no number": "a: .nan", "many digits": "a: 0x" + "f" * 9000,
    "half a sign": 'license: "\\uD800"\ntags: ["\\uD800"]\n"\\uD800": 1', "nul": 'license: "\\0"',
    "kinds that are none": "license: {a: b}\nlanguage: 5\ntags: [[1], {a: b}]\n"
    "base_model: [1, null, {}]\nlibrary_name: [x]\npipeline_tag: 3\ndatasets: {a: [b]}",
    "keys that are lists": "? [1, 2]\n: 3", "long": f"pipeline_tag: {'x' * 3000}",
    "many tags": f"tags: [{', '.join(f't{n}' for n in range(4000))}]", "a set": "a: !!set {b, c}",
}  # fmt: skip
LYING_TAGS = [
    "!!timestamp nope",
    '!!int ""',
    "!!bool x",
    '!!float ""',
    "!!binary é",
    "!!python/x y",
]
CONFIGS = {
    "no number": '{"model_type": NaN}', "infinity": '{"architectures": [1e999], "model_type": 1}',
    "half a sign": '{"model_type": "\\ud800", "architectures": ["\\ud800"]}',
    "deep": '{"model_type": ' + "[" * 450 + "]" * 450 + "}", "list": "[1]",
    "deeper": '{"architectures": ' + "[" * 5000 + "]" * 5000 + "}", "no JSON": "{",
    "long": f'{{"model_type": "{"x" * 500_000}"}}',
}  # fmt: skip


def seen_by_all(talk: Talk, ann: Person) -> list[int]:
    """Return how the lists and pages that show ann's data set answer."""
    paths = (
        "/api/datasets/ann/d",
        "/api/datasets?full=true&cardData=true",
        "/datasets",
        "/datasets/ann/d",
        "/datasets?tag=t1&q=ann",
        "/datasets/ann/d/blob/main/README.md",
    )
    return [talk.ask("GET", path, ann).status_code for path in paths]


@pytest.mark.parametrize("card", CARDS)
def test_an_odd_card_spoils_no_list(talk: Talk, ann: Person, card: str) -> None:
    talk.create(ann, "d", private=False, kind="dataset")
    answer = talk.push(ann, "ann/d", "dataset", README__md=f"---\n{CARDS[card]}\n---\n# hi")
    assert answer.status_code == 200
    assert seen_by_all(talk, ann) == [200] * 6


@pytest.mark.parametrize("tag", LYING_TAGS)
def test_yaml_whose_tags_lie_is_a_fault_of_the_card(talk: Talk, ann: Person, tag: str) -> None:
    card = f"---\na: {tag}\n---\n"
    answer = talk.ask("POST", "/api/validate-yaml", json={"content": card, "repoType": "model"})
    assert answer.status_code == 400
    assert "cannot be read" in answer.json()["errors"][0]["message"]
    talk.create(ann, "d", private=False, kind="dataset")
    assert talk.push(ann, "ann/d", "dataset", README__md=card).status_code == 200
    assert seen_by_all(talk, ann) == [200] * 6


@pytest.mark.parametrize("config", CONFIGS)
def test_an_odd_configuration_spoils_no_info(talk: Talk, ann: Person, config: str) -> None:
    for kind in ("dataset", "model"):
        talk.create(ann, "d", private=False, kind=kind)
        talk.push(ann, "ann/d", kind, README__md="hi", config__json=CONFIGS[config])
    assert seen_by_all(talk, ann) == [200] * 6
    assert talk.ask("GET", "/api/models?full=true&config=true", ann).status_code == 200
    told = talk.ask("GET", "/api/models/ann/d", ann).json()["config"]
    assert len(json.dumps(told)) < 1000


def test_a_plain_configuration_is_told(talk: Talk, ann: Person) -> None:
    talk.create(ann, "d", private=False)
    plain = {"model_type": "bert", "architectures": ["BertModel"]}
    talk.push(ann, "ann/d", "model", config__json=json.dumps({**plain, "secret": 1}))
    assert talk.ask("GET", "/api/models/ann/d", ann).json()["config"] == plain


HALVES = [
    ("POST", "/api/models/ann/m/branch/x", f'{{"startingPoint": {HALF}}}'),
    ("POST", "/api/models/ann/m/tag/main", f'{{"tag": {HALF}}}'),
    ("POST", "/api/models/ann/m/preupload/main", f'{{"files": [{{"path": {HALF}}}]}}'),
    ("POST", "/api/repos/create", f'{{"name": "q", "type": {HALF}}}'),
    ("POST", "/api/repos/create", f'{{"name": {HALF}}}'),
    ("POST", "/api/repos/create", f'{{"name": "q", "organization": {HALF}}}'),
    ("POST", "/api/repos/create", f'{{"name": "q", "visibility": {HALF}}}'),
    ("POST", "/api/repos/move", f'{{"fromRepo": {HALF}, "toRepo": "ann/q"}}'),
    ("DELETE", "/api/repos/delete", f'{{"name": "m", "type": {HALF}}}'),
    ("PUT", "/api/models/ann/m/settings", f'{{"visibility": {HALF}}}'),
    ("POST", "/api/hub/models/ann/m/approve", f'{{"revision": {HALF}}}'),
    ("POST", "/api/hub/models/ann/m/revoke", f'{{"revision": "main", "why": {HALF}}}'),
    ("POST", "/api/validate-yaml", f'{{"content": {HALF}}}'),
    ("POST", "/ann/m.git/info/lfs/objects/batch", f'{{"operation": {HALF}, "objects": []}}'),
    ("POST", "/api/repos/create", "[" * 200_000),
    ("POST", "/api/repos/create", '{"name": ' + "9" * 9999 + "}"),
    ("POST", "/api/repos/create", '{"name": NaN}'),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), HALVES)
def test_a_body_that_holds_no_text_is_refused(
    talk: Talk, ann: Person, method: str, path: str, body: str
) -> None:
    talk.create(ann, "m")
    answer = talk.ask(method, path, ann, content=body.encode(), headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]


@pytest.mark.parametrize("value", ["\ud800", "a\0b"])
@pytest.mark.parametrize("key", ["summary", "description", "parentCommit"])
def test_a_commit_whose_words_are_no_text_is_refused(
    talk: Talk, ann: Person, key: str, value: str
) -> None:
    talk.create(ann, "m")
    lines = [{"key": "header", "value": {"summary": "x", key: value}}, small("a")]
    body = "\n".join(map(json.dumps, lines)).encode()
    answer = talk.ask("POST", "/api/models/ann/m/commit/main", ann, content=body)
    assert answer.status_code in (400, 412)


CURSORS: list[Any] = [
    [10**30, "x"], [True, "x"], [None, "x"], [1, None], [1, [2]], [1], 7, "x", [1.5, "x"],
    ["9999-12-31T23:59:59-23:59", "x"], ["2020-01-01", "é"], ["2020-01-01T00:00", {}],
    [1, "\ud800"],
]  # fmt: skip


@pytest.mark.parametrize("sort", ["downloads", "lastModified"])
def test_cursors_that_are_none_of_ours_are_refused(talk: Talk, ann: Person, sort: str) -> None:
    texts = [json.dumps(one) for one in CURSORS] + ["[" * 40_000, "\xff", '["2020-01-01"']
    for text in texts:
        cursor = base64.urlsafe_b64encode(text.encode()).decode()
        for path in ("/api/models", "/models"):
            query = {"sort": sort, "cursor": cursor if path.startswith("/api") else cursor[:200]}
            assert talk.ask("GET", path, params=query).status_code in (200, 400), text[:50]
