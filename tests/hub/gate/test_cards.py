"""Cards, licences and sizes: what passes, what is refused, and that the file is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.hub.gate.model import Finding
from headstart.hub.gate.standard import Allowances, CardRules, SizeRules
from tests.hub.gate.conftest import CARD

Judge = Callable[..., Finding]
FRONT = "---\nlicense: mit\npipeline_tag: other\n---\n"


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "text <SCRIPT src=//evil></SCRIPT>",
        "<img src=x onerror=alert(1)>",
        "<mask onfocus=alert(1) tabindex=0>",
        "<svg onload=alert(1)>",
        "<iframe src='https://x'></iframe>",
        "<style>body{}</style>",
        "<form action='/approve'><input></form>",
        "<meta http-equiv=refresh content=0>",
        "<base href='https://evil/'>",
        "[x](javascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](&#106;avascript:alert(1))",
        "[x][1]\n\n[1]: JavaScript:alert(1)",
        "<a href='vbscript:x'>x</a>",
        "<a href='&#x6a;avascript:x'>x</a>",
        "![x](data:text/html;base64,PHNjcmlwdD4=)",
        "<p style=\"background: url('//x')\">x</p>",
        "```\ncode\n```\n<script>x</script>",
        "~~~\n```\n~~~\n<script>x</script>",
        "<details>\n\n<script>\nx\n</script>\n\n</details>",
        "- item\n\n  <object data=x></object>",
    ],
)
def test_a_script_in_a_card_is_refused(model: Path, judge: Judge, body: str) -> None:
    (model / "README.md").write_text(FRONT + body)
    finding = judge("card")
    assert not finding.passed
    assert "README.md" in finding.words
    assert "allowed" in finding.words or "attributes" in finding.words or "style" in finding.words


@pytest.mark.parametrize(
    "body",
    [
        "a < b, x<y>z, <unk>, <|im_start|>, <s>, 1 <2",
        "```html\n<script>x</script>\n```",
        "`<script>` and    <br/>",
        "<details><summary>More</summary>\n\n| a | b |\n|---|---|\n\n</details>",
        '<div align="center" style="color: red"><img src="a.png" alt="x"/></div>',
        "[x](https://a.b/c?d=javascript:1) <mailto:a@b.c> [y](../other#part)",
        "![p](data:image/png;base64,iVBORw0KGgo=)",
        "<!-- a comment -->",
    ],
)
def test_a_usual_card_passes(model: Path, judge: Judge, body: str) -> None:
    (model / "README.md").write_text(FRONT + body)
    finding = judge("card")
    assert finding.passed, finding.words
    assert judge("pickle").passed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no front matter", "no front matter"),
        ("---\nlicense: mit\n", "does not end"),
        ("---\n- a\n---\n", "no list of fields"),
        ("---\nlicense: mit\nlicense: other\n---\n", "twice"),
        ("---\nlicense: mit\n---\n", "'pipeline_tag' is missing"),
        ("---\nlicense: mit\npipeline_tag: ''\n---\n", "'pipeline_tag' is missing"),
        ("---\nlicense: 2024-99-99\n---\n", "no plain YAML"),
    ],
)
def test_an_incomplete_card_is_refused(model: Path, judge: Judge, text: str, words: str) -> None:
    (model / "README.md").write_text(text)
    finding = judge("card")
    assert not finding.passed
    assert words in finding.words


def test_a_standard_can_require_fields_and_sections(model: Path, judge: Judge) -> None:
    rules = CardRules(fields=("license", "datasets"), sections=("Limits",))
    finding = judge("card", card=rules)
    assert "'datasets'" in finding.words
    assert "'Limits'" in finding.words
    (model / "README.md").write_text(CARD.replace("metrics:", "datasets:") + "\n## Limits\n")
    assert judge("card", card=rules).passed


@pytest.mark.parametrize(
    ("licence", "passes"),
    [
        ("mit", True), ("Apache-2.0", True), ("[mit, apache-2.0]", True), ("unknown", False),
        ("[mit, gpl-3.0]", False), ("''", False), ("[]", False), ("3", False), ("{a: b}", False),
    ],
)  # fmt: skip
def test_only_listed_licences_pass(model: Path, judge: Judge, licence: str, passes: bool) -> None:
    (model / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    finding = judge("licence")
    assert finding.passed is passes
    assert "README.md" in finding.words


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("encoder.json", {"licence": "cc-by-nc-4.0"}),
        ("config.json", {"pretrained_cfg": {"license": "cc-by-nc-4.0"}}),
    ],
)
def test_a_file_that_contradicts_the_card_is_named(
    model: Path, judge: Judge, file: str, value: object
) -> None:
    (model / file).write_text(json.dumps(value))
    finding = judge("licence")
    assert not finding.passed
    assert f"{file}: the licence 'cc-by-nc-4.0'" in finding.words


def test_sizes_are_held_against_the_limits(model: Path, judge: Judge) -> None:
    rules = SizeRules(bytes=10, file_bytes=5, files=1)
    words = judge("size", size=rules).words
    assert "model.safetensors" in words
    assert not judge("size", size=SizeRules(files=1)).passed
    assert not judge("size", size=SizeRules(bytes=10)).passed


def test_what_a_standard_allows_in_so_many_words_passes(model: Path, judge: Judge) -> None:
    (model / "extra.onnx").write_bytes(b"\x08\x01")
    (model / "old.bin").write_bytes(b"\x80\x04N.")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "loader_hook": "our.module"}))
    (model / "chat_template.jinja").write_text("{{ x | urlize }}")
    names = ("formats", "pickle", "configuration", "templates")
    assert [judge(name).passed for name in names] == [False] * 4
    allow = Allowances(
        files=("*.onnx", "old.bin"), pickle=("old.bin",), configuration_keys=("loader_hook",),
        template_names=("urlize",),
    )  # fmt: skip
    assert [
        judge(name, allow=allow).words for name in names if not judge(name, allow=allow).passed
    ] == []
    (model / "sub").mkdir()
    (model / "sub" / "other.onnx").write_bytes(b"\x08\x01")
    assert "sub/other.onnx" in judge("formats", allow=allow).words
