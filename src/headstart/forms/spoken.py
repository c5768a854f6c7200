"""Exports of a language model, loaded afresh by the other side and held against the original."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart.base.chat import PLAIN
from headstart.base.compat import quiet_transformers
from headstart.base.decoder import Decoder
from headstart.base.gguf_export import read_back, refuse_gguf, write_gguf
from headstart.errors import HeadstartError, WorkError
from headstart.forms import drift
from headstart.method.speaker import SpeakerModel
from headstart.task.model import Kind

# Of half precision: weights are rounded to 11 bits, and some hundred such products add up.
HALF_TOLERANCE = 2e-2
_LONGEST = 256  # tokens of a text that are compared
_TEXTS = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity.",
    "What are the symptoms of anaemia? Tiredness, pale skin and shortness of breath; in 2019 "
    "about 1,760,000,000 people had it (95% interval 1.73–1.79 billion).",
    "Größe, été, ¿qué?, Ελλάδα, Москва, 日本語の文章, 한국어, العربية, हिन्दी, 🙂👩‍🚀",
    'def area(radius):\n    """Return it."""\n\treturn 3.14159 * radius ** 2  # don\'t\n\n\n',
    "  two spaces, a tab\tand\r\na line; x=1;y+=22; http://example.org/a?b=c#d !!! ... ",
)
_QUESTION = "What is the capital of France, and why?"


@dataclass(frozen=True)
class Drift:
    """How far an export lies from its original.

    Attributes:
        loss: The most that the loss of a token differs, in nats.
        logit: The most that a logit differs.
        allowed: The most that either may.
        tokens: How many tokens were compared.
    """

    loss: float
    logit: float
    allowed: float
    tokens: int

    def __str__(self) -> str:
        return (
            f"loaded afresh, the losses of {self.tokens:,} tokens differ by at most "
            f"{self.loss:.1g} nats, their logits by {self.logit:.1g} (allowed {self.allowed:.1g})"
        )


def write_folder(
    model: SpeakerModel, folder: Path, out: Path, tolerance: float | None = None
) -> Drift:
    """Copy the saved model ``folder`` to ``out``, with what plain transformers needs to talk.

    That is a generation configuration whose EOS ends an answer, and a chat template where the
    base has none. A soft prompt lies in ``adapter/``, for peft.

    Raises:
        WorkError: Loaded by plain transformers (and peft), it says something else.
    """
    shutil.copytree(folder, out, dirs_exist_ok=True)
    decoder = model.decoder
    _talks(model)
    decoder.tokenizer.save_pretrained(str(out))
    decoder.generation().save_pretrained(str(out))
    with _read_by("transformers"):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        body: Any = AutoModelForCausalLM.from_pretrained(str(out), dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(str(out))
        ends = body.generation_config.eos_token_id
        if decoder.virtual is not None:
            from peft import PeftModel

            body = PeftModel.from_pretrained(body, str(out / "adapter")).eval()
    if decoder.end_id not in (ends if isinstance(ends, list) else [ends]):
        raise _differs("the folder's generation", f"ends at {ends}, not at {decoder.end_id}")
    allowed = drift.TOLERANCE if tolerance is None else tolerance
    return _compared(decoder, body, tokenizer, "the folder loaded by transformers", allowed)


def write_file(
    model: SpeakerModel, file: Path, dtype: str, tolerance: float | None = None
) -> Drift:
    """Write the model as the GGUF ``file``.

    Raises:
        RequestError: GGUF cannot hold it.
        WorkError: Read back, it says something else.
    """
    refuse_gguf(model.decoder)
    _talks(model)
    write_gguf(model.decoder, file, dtype)
    with _read_by("transformers' GGUF reader"):
        body, tokenizer = read_back(file)
    usual = drift.TOLERANCE if dtype == "float32" else HALF_TOLERANCE
    allowed = usual if tolerance is None else tolerance
    return _compared(model.decoder, body, tokenizer, "the GGUF file", allowed)


def _talks(model: SpeakerModel) -> None:
    """Give a tokenizer without a chat template the one that its dialogues were learnt in."""
    if model.signature.kind is Kind.INSTRUCTION and not model.decoder.tokenizer.chat_template:
        model.decoder.tokenizer.chat_template = PLAIN


@contextmanager
def _read_by(reader: str) -> Iterator[None]:
    """Turn what a library raises on what was just written into a :class:`WorkError`."""
    try:
        with quiet_transformers():
            yield
    except HeadstartError:
        raise
    except Exception as error:  # whatever a library raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _differs(reader, f"cannot read it: {reason}") from error


def _differs(what: str, how: str) -> WorkError:
    return WorkError(f"{what} {how}", mend=drift.MEND)


@torch.inference_mode()
def _compared(decoder: Decoder, body: Any, tokenizer: Any, what: str, tolerance: float) -> Drift:
    """Compare tokens, next-token logits and losses on texts of several languages, and code.

    Raises:
        WorkError: They differ.
    """
    found = Drift(0.0, 0.0, tolerance, 0)
    longest = min(_LONGEST, decoder.card.input_size - decoder.before)
    for text in [*_TEXTS, *_rendered(decoder.tokenizer, tokenizer, what)]:
        ids = _same_tokens(decoder.tokenizer, tokenizer, text, what)[: longest - 1]
        batch = torch.tensor([[decoder.prefix_id, *ids]])
        theirs = body(input_ids=batch).logits[0, -batch.shape[1] :].float()
        ours = _logits(decoder, batch)
        found = _further(found, theirs, ours, batch[0, 1:], what)
    return found


def _logits(decoder: Decoder, ids: Tensor) -> Tensor:
    """Return the logits (T, V) of ids (1, T)."""
    with decoder.cached():
        model: Any = decoder.causal
        found = model(inputs_embeds=decoder.embedded(ids), past_key_values=decoder.past(1))
        logits: Tensor = found.logits
    return logits[0, -ids.shape[1] :].float()


def _further(before: Drift, theirs: Tensor, ours: Tensor, said: Tensor, what: str) -> Drift:
    """Return the drift with that of one more text."""
    drift.check_drift(theirs.numpy(), ours.numpy(), what, before.allowed)
    one, other = (
        torch.nn.functional.cross_entropy(logits[:-1], said, reduction="none")
        for logits in (theirs, ours)
    )
    loss = drift.check_drift(one.numpy(), other.numpy(), f"{what}, in the loss of a token,",
                             before.allowed)  # fmt: skip
    logit = float((theirs - ours).abs().max())
    return Drift(
        max(before.loss, loss), max(before.logit, logit), before.allowed, before.tokens + len(said)
    )


def _same_tokens(ours: Any, theirs: Any, text: str, what: str) -> list[int]:
    one, other = (
        list(tokenizer(text, add_special_tokens=False)["input_ids"]) for tokenizer in (ours, theirs)
    )
    if one != other:
        at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if
                   pair[0] != pair[1]), min(len(one), len(other)))  # fmt: skip
        raise _differs(what, f"cuts texts into other tokens: {text[:40]!r}…, from token {at} on")
    return one


def _rendered(ours: Any, theirs: Any, what: str) -> Sequence[str]:
    """Return a question as the chat template writes it, if there is one."""
    if bool(ours.chat_template) != bool(theirs.chat_template):
        raise _differs(what, "has lost the chat template")
    if not ours.chat_template:
        return ()
    asked = [{"role": "user", "content": _QUESTION}]
    texts = [
        str(one.apply_chat_template(asked, tokenize=False, add_generation_prompt=True))
        for one in (ours, theirs)
    ]
    if texts[0] != texts[1]:
        raise _differs(what, "has another chat template")
    return texts[:1]
