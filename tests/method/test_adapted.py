"""An adapted model: what it takes, what it answers, and what damage to its files says."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from headstart.errors import RequestError
from headstart.method.adapted import FORMAT, MANIFEST, Signature, coerce, load_model
from headstart.task.model import Image

from .conftest import build


def signature(name: str) -> Signature:
    return Signature.of(build(name, {"train": 4, "validation": 2, "test": 2}))


@pytest.mark.parametrize(
    ("name", "item", "expected"),
    [("text", "a word", "a word"), ("tags", "two words", ("two", "words")),
     ("tags", ["two", "words"], ("two", "words")), ("text-pair", ["a", "b"], ("a", "b")),
     ("image", b"raw", Image(data=b"raw"))],
)  # fmt: skip
def test_what_is_asked_becomes_an_input(name, item, expected):
    assert coerce(item, signature(name), 0) == expected


@pytest.mark.parametrize(
    ("name", "item"),
    [("text", 3), ("text", None), ("text", ["a"]), ("text-pair", "a"), ("text-pair", ("a",)),
     ("tags", 3), ("tags", None), ("tags", b"a"), ("image", 3), ("image", None)],
)  # fmt: skip
def test_an_input_of_another_kind_is_refused_and_named(name, item):
    with pytest.raises(RequestError, match="expected") as caught:
        coerce(item, signature(name), 7)
    assert caught.value.where == "input 7"


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "F", "I;16", "1"])
def test_an_open_picture_of_any_mode_is_taken(mode):
    from PIL import Image as Pillow

    from headstart.task.images import open_image

    picture = Pillow.new("L", (8, 8), 200).convert("I").convert(mode) if mode == "I;16" else (
        Pillow.new("RGB", (8, 8), (200, 10, 10)).convert(mode)
    )  # fmt: skip
    found = coerce(picture, signature("image"), 0)
    assert isinstance(found, Image)
    assert open_image(found).size == (8, 8)


@pytest.mark.parametrize("name", ["text", "multi-label", "regression", "tags"])
def test_no_inputs_have_no_answers(shop, name):
    assert shop.fitted(name, "probe").model.predict([]) == []


def test_answers_are_in_the_words_of_the_data(shop):
    assert shop.fitted("text", "probe").model.predict(["soup bread oven"]) == ["food"]
    both = shop.fitted("multi-label", "probe").model.predict(["soup bread goal match"])
    assert both == [["food", "sport"]]
    assert shop.fitted("tags", "probe").model.predict(["soup goal the"]) == [
        ["food", "sport", "none"]
    ]
    number = shop.fitted("regression", "probe").model.predict(["soup goal match team league"])
    assert 2000 < number[0] < 2016


@pytest.mark.parametrize("name", ["regression", "tags"])
def test_a_model_without_class_probabilities_says_so(shop, name):
    with pytest.raises(RequestError, match="no class probabilities"):
        shop.fitted(name, "probe").model.predict_proba(["soup"])


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(RequestError, match="no adapted model here"):
        load_model(tmp_path)


@pytest.fixture(params=["majority", "tfidf", "probe"])
def saved(request, shop, tmp_path):
    folder = tmp_path / "best"
    folder.mkdir()
    shop.fitted("text", request.param).model.save(folder)
    return folder


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', "null"])
def test_a_damaged_manifest_says_so(saved, text):
    (saved / MANIFEST).write_text(text)
    with pytest.raises(RequestError, match="damaged"):
        load_model(saved)


def test_a_model_of_a_later_version_says_so(saved):
    manifest = json.loads((saved / MANIFEST).read_text())
    (saved / MANIFEST).write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(RequestError, match=f"format {FORMAT + 1}") as caught:
        load_model(saved)
    assert "upgrade" in str(caught.value)


def test_every_file_but_the_manifest_may_be_cut_or_gone_without_a_traceback(saved, tmp_path):
    expected = load_model(saved).predict(["soup bread", "goal match"])
    for path in sorted(saved.rglob("*")):
        if path.is_dir() or path.name == MANIFEST:
            continue
        for change in ("gone", "cut"):
            copy = tmp_path / change / path.relative_to(saved).as_posix().replace("/", "-")
            shutil.copytree(saved, copy)
            harmed = copy / path.relative_to(saved)
            if change == "gone":
                harmed.unlink()
            else:
                harmed.write_bytes(harmed.read_bytes()[: harmed.stat().st_size // 2])
            refusal, found = None, None
            try:
                found = load_model(copy).predict(["soup bread", "goal match"])
            except RequestError as error:
                refusal = error
            # A file that predictions do not need may well be harmed.
            assert found == expected or str(copy) in str(refusal.where)


def test_a_model_lacks_what_its_manifest_should_hold(shop, tmp_path):
    shop.fitted("text", "majority").model.save(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["answer"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RequestError, match="damaged"):
        load_model(tmp_path)


def test_a_probabilitys_row_sums_to_one(shop):
    found = shop.fitted("text", "finetune").model.predict_proba(["soup", "goal", "zzz"])
    np.testing.assert_allclose(found.sum(axis=1), 1)
