"""Dialogues as the base's chat template writes them, in pieces: what is read, what is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.errors import RequestError
from headstart.task.model import Dialogue, Message

# What is written where a base has no template, as a template for those who want one.
PLAIN = (
    "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}{{ '\n\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '\n\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A piece of a dialogue's text.

    Attributes:
        text: As the template writes it.
        said: The assistant says it: it is learnt. The rest is read.
    """

    text: str
    said: bool


def turns(tokenizer: Any, dialogue: Dialogue, answered: bool = True) -> list[Turn]:
    """Return the pieces of a dialogue; joined they are what the template makes of it.

    Args:
        tokenizer: Its ``chat_template`` is used; without one, turns are set apart by blank lines.
        dialogue: What is said.
        answered: Whether the last answer is there; False ends where it is to be generated.

    Raises:
        RequestError: The template fails, leaves an answer out, or does not write a dialogue as a
            continuation of its prompt, so that what is learnt would not be what is generated.
    """
    found: list[Turn] = []
    done = ""
    messages = dialogue.messages if answered else dialogue.prompt
    for at, one in enumerate(messages):
        if one.role != "assistant":
            continue
        found.append(_read(tokenizer, messages[:at], done))
        before = done + found[-1].text
        answer = _rest(_written(tokenizer, messages[: at + 1], False), before)
        _check_answer(answer, one.content)
        found.append(Turn(answer, at >= dialogue.shown))
        done = before + answer
    if not answered:
        found.append(_read(tokenizer, messages, done))
    return found


def _read(tokenizer: Any, messages: tuple[Message, ...], done: str) -> Turn:
    return Turn(_rest(_written(tokenizer, messages, True), done), False)


def _rest(text: str, done: str) -> str:
    if not text.startswith(done):
        raise RequestError(
            "the chat template does not write an answered dialogue as its prompt and more, so "
            "that what is learnt would not be what is generated",
            where=f"it wrote {text[:60]!r}, expected {done[:60]!r} first",
            mend="mend the chat template (chat_template.jinja) of the base",
        )
    return text[len(done) :]


def _check_answer(written: str, content: str) -> None:
    """Refuse a template that writes something else than the answer; space may differ."""
    if "".join(content.split()) not in "".join(written.split()):
        raise RequestError(
            "the chat template does not write an answer as it was given, so that it would not be "
            "learnt",
            where=f"it wrote {written[:60]!r}, expected {content[:60]!r}",
            mend="mend the chat template (chat_template.jinja) of the base",
        )


def _written(tokenizer: Any, messages: tuple[Message, ...], generate: bool) -> str:
    if not tokenizer.chat_template:
        text = "\n\n".join(one.content for one in messages)
        return text + "\n\n" if generate else text
    plain = [{"role": one.role, "content": one.content} for one in messages]
    try:
        return str(
            tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=generate)
        )
    except Exception as error:  # jinja2's own errors, and whatever a template raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(
            f"the chat template refuses a dialogue: {reason}",
            where=f"roles {', '.join(one.role for one in messages)}",
            mend="give dialogues that it takes (many take no system message)",
        ) from error
