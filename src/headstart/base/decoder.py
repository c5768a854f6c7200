"""Causal language models: texts and dialogues in, the loss of every token to be said out."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from headstart.base.chat import Turn, turns
from headstart.base.model import BaseCard, Batch
from headstart.base.packed import PACKED, register
from headstart.base.sidecar import Sidecar, write_sidecar
from headstart.base.skeleton import Skeleton
from headstart.base.token_loss import token_losses
from headstart.base.virtual import VirtualTokens, past_of
from headstart.errors import RequestError
from headstart.files import canonical, replacing_folder
from headstart.task.model import Dialogue, Input

IGNORED = -100  # the label of a token that is read, not said
CONTEXT = 1024  # tokens at most, where a base would read more: attention grows with the square
_CHUNK = 1024  # texts a call of the tokeniser


class Decoder(Skeleton):
    """A causal language model with its tokenizer.

    ``forward`` gives losses, not features: what is learnt is the text itself.

    Args:
        card: What is known of the base; its input size is the longest sequence that is read.
        body: An ``AutoModelForCausalLM``.
        tokenizer: Its tokenizer.

    Attributes:
        virtual: What stands before every sequence, or None.
    """

    def __init__(self, card: BaseCard, body: nn.Module, tokenizer: Any) -> None:
        super().__init__(card, body)
        self.tokenizer = tokenizer
        self.config: Any = cast(Any, body).config
        self.virtual: VirtualTokens | None = None
        register()
        self._pack()

    def _pack(self) -> None:
        cast(Any, self.causal).set_attn_implementation(PACKED)

    @contextmanager
    def cached(self) -> Iterator[None]:
        """Let the model attend in the library's own way, which keeps keys and values."""
        model: Any = self.causal
        model.set_attn_implementation("sdpa")
        try:
            yield
        finally:
            self._pack()

    @property
    def causal(self) -> nn.Module:
        """The library's own causal model, in or out of an adapter's wrapping."""
        body: Any = self.body
        return cast(nn.Module, body.get_base_model() if hasattr(body, "peft_config") else body)

    @property
    def prefix_id(self) -> int:
        """The token from which the first of a document is predicted (as in lm-eval)."""
        found = self.tokenizer.bos_token_id
        return int(found if found is not None else self.end_id)

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        found = self.tokenizer.eos_token_id
        if found is None:
            raise RequestError(
                f"the tokenizer of {self.card.reference} has no token that ends a text (EOS)",
                mend='set "eos_token" in its tokenizer_config.json',
            )
        return int(found)

    def generation(self) -> Any:
        """Return the library's generation configuration, whose EOS ends an answer."""
        model: Any = self.causal
        found = copy.deepcopy(model.generation_config)
        known = found.eos_token_id
        ends = [known] if isinstance(known, int) else list(known or ())
        ends = [self.end_id, *(end for end in ends if end != self.end_id)]
        found.eos_token_id = ends[0] if len(ends) == 1 else ends
        pad = self.tokenizer.pad_token_id
        found.pad_token_id = self.end_id if pad is None else int(pad)
        found.bos_token_id = self.tokenizer.bos_token_id
        return found

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens at which an answer ends: the tokenizer's, and those the base names beside."""
        ends = self.generation().eos_token_id
        return frozenset([ends] if isinstance(ends, int) else ends)

    def encode(self, inputs: Sequence[Input]) -> list[Batch]:
        """Return ``input_ids`` and ``labels``, (T,) int64 each, for each text or dialogue.

        Labels are the next tokens; those that are read and not said are :data:`IGNORED`. Texts
        are whole, however long. Of a dialogue that is too long, the prompt loses its beginning.
        """
        found: list[Batch] = []
        for start in range(0, len(inputs), _CHUNK):
            chunk = inputs[start : start + _CHUNK]
            if isinstance(chunk[0], Dialogue):
                found += [self._dialogue(cast(Dialogue, one)) for one in chunk]
            else:
                found += [self._document(ids) for ids in self._tokens([_text(t) for t in chunk])]
        return found

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        encoded = self.tokenizer(
            texts, add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        return cast(list[list[int]], encoded["input_ids"])

    def _document(self, ids: list[int]) -> Batch:
        sequence = torch.tensor([self.prefix_id, *(ids or [self.end_id])], dtype=torch.int64)
        return {"input_ids": sequence[:-1], "labels": sequence[1:].clone()}

    def _dialogue(self, dialogue: Dialogue) -> Batch:
        ids, said = self._spoken(dialogue)
        over = len(ids) - 1 - self.card.input_size
        if over > 0:  # the prompt loses its beginning; an answer that is longer still, its end
            cut = min(over, next(at for at, one in enumerate(said) if one) - 1)
            ids, said = ids[cut:], said[cut:]
            ids, said = ids[: self.card.input_size + 1], said[: self.card.input_size + 1]
        sequence = torch.tensor(ids, dtype=torch.int64)
        labels = torch.where(torch.tensor(said), sequence, IGNORED)
        return {"input_ids": sequence[:-1], "labels": labels[1:].clone()}

    def _spoken(self, dialogue: Dialogue) -> tuple[list[int], list[bool]]:
        """Return the tokens of a dialogue, and which of them the assistant says."""
        ids: list[int] = []
        said: list[bool] = []
        for turn in turns(self.tokenizer, dialogue):
            piece, count = self._piece(turn)
            ids += piece
            said += [at < count for at in range(len(piece))]
        while said and not said[-1]:  # what a template writes after the last answer's end
            ids.pop(), said.pop()
        if not ids or said[0]:  # the first token is predicted from something
            ids, said = [self.prefix_id, *ids], [False, *said]
        return ids, said

    def _piece(self, turn: Turn) -> tuple[list[int], int]:
        """Return a turn's tokens, and how many are said: up to that which ends the answer."""
        piece = self._tokens([turn.text])[0]
        if not turn.said:
            return piece, 0
        if self.end_id not in piece:
            piece = [*piece, self.end_id]
        return piece, piece.index(self.end_id) + 1

    def prompt_ids(self, prompt: Dialogue | str) -> list[int]:
        """Return the tokens after which an answer is to be generated."""
        if isinstance(prompt, str):
            return [self.prefix_id, *self._tokens([prompt])[0]]
        pieces: list[Turn] = turns(self.tokenizer, prompt, answered=False)
        return [token for piece in pieces for token in self._piece(piece)[0]]

    def collate(self, samples: Sequence[Batch]) -> Batch:
        """Return the sequences end to end: ``input_ids``, ``labels``, ``position_ids`` (1, T).

        ``lengths`` (N,) int64 says where each ends.
        """
        lengths = [len(sample["input_ids"]) for sample in samples]
        joined = {
            name: torch.cat([sample[name] for sample in samples]).unsqueeze(0)
            for name in ("input_ids", "labels")
        }
        return {**joined, "lengths": torch.tensor(lengths, dtype=torch.int64)}

    def forward(self, batch: Batch) -> Tensor:
        """Return the loss (N,) in nats of each sequence, summed over the tokens it says."""
        lengths, labels = batch["lengths"], batch["labels"][0]
        losses = self.token_losses(batch)
        owner = torch.repeat_interleave(torch.arange(len(lengths), device=labels.device), lengths)
        owner = owner[labels != IGNORED]
        return losses.new_zeros(len(lengths)).index_add_(0, owner, losses)

    def token_losses(self, batch: Batch) -> Tensor:
        """Return the loss (M,) in nats of each token that the sequences say, in their order."""
        labels = batch["labels"][0]
        hidden = self.states(batch)
        said = labels != IGNORED
        return self.losses(hidden[said], labels[said])

    def states(self, batch: Batch) -> Tensor:
        """Return the last hidden states (T, D) of a collated batch's tokens."""
        return self._hidden(batch["input_ids"], batch["lengths"])

    def output_weight(self) -> Tensor:
        """Return the weight (V, D) of the output layer.

        Raises:
            RequestError: Logits are more than the states' product with it.
        """
        output = cast(Any, self.causal).get_output_embeddings()
        if type(output) is nn.Linear and output.bias is None and not _bends_logits(self.config):
            return cast(Tensor, output.weight)
        raise RequestError(
            f"{self.card.reference} ends in more than one linear layer ({type(output).__name__})",
            mend="choose a decoder such as Llama, Qwen, Mistral or GPT-NeoX",
        )

    def _hidden(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return the last hidden states of the tokens, (T, D)."""
        model: Any = self.causal
        body: Any = getattr(model, model.base_model_prefix)
        embedded = model.get_input_embeddings()(ids)[0]
        before, states, read = self._before(embedded.dtype)
        if read is not None:
            parts = torch.split(embedded, lengths.tolist())
            embedded = torch.cat([piece for part in parts for piece in (read, part)])
        own = 0 if read is None else before
        whole = lengths + own
        ends = whole.cumsum(0)
        places = torch.cat([ends.new_zeros(1), ends])
        starts = torch.repeat_interleave(places[:-1], whole)
        at = torch.arange(len(embedded), device=ids.device) - starts
        seen = {} if states is None else {"prefix": states}
        found = body(
            inputs_embeds=embedded.unsqueeze(0),
            position_ids=(at + before - own).unsqueeze(0),
            cu_seq_lens_q=places.to(torch.int32),
            use_cache=False,
            **seen,
        ).last_hidden_state[0]
        return cast(Tensor, found[at >= own] if own else found)

    def _before(self, dtype: torch.dtype) -> tuple[int, Tensor | None, Tensor | None]:
        """Return how many virtual tokens there are, their keys and values, their embeddings."""
        if self.virtual is None:
            return 0, None, None
        states, read = self.virtual.states(self.config), self.virtual.embeddings()
        return len(self.virtual), states, None if read is None else read.to(dtype)

    def losses(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (M,) of each token; states are (M, D)."""
        return token_losses(hidden, self.output_weight(), labels)

    def size(self, sample: Batch) -> int:
        """Return the tokens of a sample."""
        return len(sample["input_ids"])

    def preprocessing(self) -> str:
        """Return what makes the same text the same tokens."""
        told = self.tokenizer.backend_tokenizer.to_str() if self.tokenizer.is_fast else ""
        told += str(self.tokenizer.chat_template)
        digest = hashlib.sha256(told.encode()).hexdigest()
        return canonical({"tokens": self.card.input_size, "tokenizer": digest})

    def truncated(self, inputs: Sequence[Input]) -> list[int]:
        """Return for each dialogue how many tokens are cut; nothing of a text is."""
        if not inputs or not isinstance(inputs[0], Dialogue):
            return [0] * len(inputs)
        sizes = [len(self._spoken(cast(Dialogue, one))[0]) - 1 for one in inputs]
        return [max(0, size - self.card.input_size) for size in sizes]

    @property
    def before(self) -> int:
        """How many virtual tokens stand before every sequence."""
        return 0 if self.virtual is None else len(self.virtual)

    def embedded(self, ids: Tensor) -> Tensor:
        """Return the embeddings (1, T, D) of ids (1, T), those of a soft prompt before them."""
        found = cast(Tensor, cast(Any, self.causal).get_input_embeddings()(ids))
        _, _, read = self._before(found.dtype)
        return found if read is None else torch.cat([read.unsqueeze(0), found], dim=1)

    def past(self, rows: int) -> Any:
        """Return the library's cache of a prefix, for so many rows; None without one."""
        _, states, _ = self._before(torch.float32)
        return None if states is None else past_of(states, rows)

    def lora_targets(self) -> list[str]:
        """Return the linear layers but the output layer, which most models share with the input."""
        output = cast(Any, self.causal).get_output_embeddings()
        names = {id(module): name for name, module in self.body.named_modules()}
        return [
            names[id(module)]
            for module in self.body.modules()
            if isinstance(module, nn.Linear) and module is not output
        ]

    def fresh_body(self) -> nn.Module:
        """Return a new body with the library's own initialisation."""
        from transformers import AutoModelForCausalLM

        return cast(nn.Module, AutoModelForCausalLM.from_config(self.config, dtype=torch.float32))

    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write transformers' layout: weights, configuration, tokenizer with its template."""
        body: Any = self.plain_body()
        with replacing_folder(folder) as beside:
            with self.cached():  # our attention is unknown to others
                body.save_pretrained(str(beside))
            self.tokenizer.save_pretrained(str(beside))
            self.generation().save_pretrained(str(beside))
            sidecar = Sidecar(
                family="decoder",
                architecture=self.card.architecture,
                licence=self.card.licence,
                pretrained=self.card.pretrained,
                classes=[],
                head="none",
                settings={"max_length": self.card.input_size},
            )
            write_sidecar(beside, sidecar)


def no_decoder(reference: str) -> RequestError:
    """Return the error for a base that writes no text."""
    return RequestError(
        f"{reference} does not write text",
        where="--base",
        mend="choose a decoder, e.g. --base bundled:smollm2-135m",
    )


def _bends_logits(config: Any) -> bool:
    """Whether logits are more than the output layer's product (Gemma 2, Cohere, Granite)."""
    names = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return any(getattr(config, name, None) not in (None, 1, 1.0) for name in names)


def _text(item: Input) -> str:
    if isinstance(item, str):
        return item
    raise RequestError(
        f"a language model reads texts or dialogues, found {type(item).__name__}",
        mend="give documents (--task language-modeling), or prompts and answers "
        "(--task instruction)",
    )
