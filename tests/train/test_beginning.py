"""What sequences share is read once, and their losses are those of each alone."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.progress import Silent
from headstart.task.model import Dialogue, Message
from headstart.train import beginning
from headstart.train.beginning import nats_after_beginning
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.windows import Windows
from tests.speakers import write_base

EXAMPLES = ("the quick brown", "fox jumps", "over the lazy", "dog")


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    prepare_torchvision(say=False)
    return reference.load_decoder(write_base(tmp_path_factory.mktemp("shared") / "base"))


def dialogues(count: int, before: tuple[str, ...] = EXAMPLES) -> list[Dialogue]:
    generator = np.random.default_rng(0)
    found = []
    for _ in range(count):
        asked, answer = (" ".join(map(str, generator.integers(9, size=size)))
                         for size in generator.integers(1, 12, size=2))  # fmt: skip
        texts = (*before, asked, answer)
        roles = ("user", "assistant") * len(texts)
        messages = tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))
        found.append(Dialogue(messages, shown=len(before)))
    return found


def found(decoder, inputs):
    with Silent().bar("", 1) as advance:
        return nats_after_beginning(decoder, decoder.encode(inputs), advance)


@pytest.mark.parametrize("before", [EXAMPLES, ()])
def test_losses_are_those_of_whole_sequences(decoder, before):
    inputs = dialogues(9, before)
    expected = nats_of(LanguageNetwork(decoder), Windows(decoder, inputs), range(9))
    nats, _ = found(decoder, inputs)
    np.testing.assert_allclose(nats, expected, rtol=1e-5, atol=1e-4)


def test_what_is_shared_is_read_once(decoder):
    inputs = dialogues(9)
    sizes = [decoder.size(sample) for sample in decoder.encode(inputs)]
    start = decoder.prompt_ids(Dialogue((*inputs[0].messages[:4], Message("user", ""))))
    _, read = found(decoder, inputs)
    assert read < sum(sizes) - 8 * (len(start) - 12)
    assert read > sum(sizes) - 9 * len(start)


def test_rows_in_many_pieces_keep_their_order(decoder, monkeypatch):
    inputs = dialogues(9)
    whole, _ = found(decoder, inputs)
    monkeypatch.setattr(beginning, "CEILING", (30, 30))
    pieces, _ = found(decoder, inputs)
    np.testing.assert_allclose(pieces, whole, rtol=1e-5, atol=1e-4)


def test_sequences_with_nothing_in_common_are_read_too(decoder):
    samples = decoder.encode(["the fox", "1 2 3"])
    for sample in samples:
        sample["input_ids"][0] = int(sample["labels"][1])  # they begin with different tokens
    with Silent().bar("", 2) as advance:
        nats, read = nats_after_beginning(decoder, samples, advance)
    alone = [decoder(decoder.collate([sample])).item() for sample in samples]
    np.testing.assert_allclose(nats[:, 0], alone, rtol=1e-4)
    assert read == sum(decoder.size(sample) for sample in samples)
