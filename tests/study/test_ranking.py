"""Bases are ordered by what they show of the data, on the same rows, at a known price."""

from __future__ import annotations

from pathlib import Path

import pytest

import headstart.api as api
from headstart.errors import RequestError

from .helpers import write_base

KNOWN = "goal match team soup bread oven bank loan stock"


@pytest.fixture(scope="module")
def blind_base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base whose tokenizer knows none of the words: all it sees is how many there are."""
    folder = write_base(tmp_path_factory.mktemp("blind") / "bert")
    for name in ("vocab.txt", "tokenizer.json"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            for word in KNOWN.split():
                text = text.replace(f'"{word}"', f'"{word}zz"')
                text = text.replace(f"\n{word}\n", f"\n{word}zz\n")
            path.write_text(text, encoding="utf-8")
    return f"local:{folder}"


def test_the_base_that_knows_more_of_the_words_comes_first(
    tiny_csv: Path, tiny_base: str, blind_base: str
) -> None:
    found = api.rank_bases(tiny_csv, base=[blind_base, tiny_base])
    assert [ranked.base for ranked in found.ranking.bases] == [tiny_base, blind_base]
    assert found.rows == 60
    assert set(found.seconds) == set(found.flop) == {tiny_base, blind_base}
    assert "leep" in found.refused


@pytest.mark.slow
def test_what_a_base_was_trained_to_tell_apart_counts(shared_data: Path) -> None:
    """ImageNet has ants and bees among its classes: LEEP reads them off the base's own head."""
    found = api.rank_bases(
        shared_data / "vision" / "hymenoptera.zip", base="bundled:efficientnet-lite0"
    )
    (one,) = found.ranking.bases
    assert "leep" not in found.refused
    assert one.scores["leep"] > -0.35  # without the head: ln 2 = .69


def test_the_order_does_not_hang_on_the_order_of_names(
    tiny_csv: Path, tiny_base: str, blind_base: str
) -> None:
    one = api.rank_bases(tiny_csv, base=[blind_base, tiny_base]).ranking
    other = api.rank_bases(tiny_csv, base=[tiny_base, blind_base, tiny_base]).ranking
    assert [r.scores for r in one.bases] == [r.scores for r in other.bases]


def test_a_base_for_other_data_is_refused(tiny_csv: Path) -> None:
    with pytest.raises(RequestError, match="reads image, the data are text"):
        api.rank_bases(tiny_csv, base="bundled:efficientnet-lite0")


def test_a_single_base_is_first_of_one(tiny_csv: Path, tiny_base: str) -> None:
    found = api.rank_bases(tiny_csv, base=tiny_base).ranking
    assert [(r.base, r.tie_with_first) for r in found.bases] == [(tiny_base, True)]
