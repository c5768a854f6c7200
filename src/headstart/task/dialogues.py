"""Prompts and answers in a table, in the three shapes that people keep them in.

``prompt`` and ``completion``; ``instruction``, perhaps ``input``, and ``output``; or ``messages``,
a list of ``{"role": …, "content": …}`` a row (``from`` and ``value`` are read, too). ``question``
and ``answer`` alone are a prompt and its answer where answers are written, not a few classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from headstart.errors import RequestError
from headstart.task.cells import BadRowError, cell_text
from headstart.task.model import Dialogue, Message
from headstart.task.raw import Raw, is_missing, shown

LISTS = ("messages", "conversations", "conversation")
PROMPTS = ("prompt", "instruction", "question")
ANSWERS = ("completion", "output", "response", "answer")
BESIDE = "input"  # what an instruction is about
_NAMED = (("prompt", ("completion", "response")), ("instruction", ("output", "response")))
_ROLES = {
    "system": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "bot": "assistant", "model": "assistant",
}  # fmt: skip


def reads_as_dialogues(raw: Raw) -> bool:
    """Whether the names of the columns leave no doubt that they hold dialogues."""
    return _by_name(raw) is not None


def find_dialogues(
    raw: Raw, named: tuple[str, ...] | None, target: str | None
) -> tuple[tuple[str, ...], str, str]:
    """Return the columns before the answer, that of the answer, and a phrase that says why.

    Raises:
        RequestError: The table has no such columns.
    """
    if named and target:
        return named, target, "as given"
    found = _by_name(raw)
    if found is None or named or target:
        prompt = named or prompt_columns(raw)
        answer = target or _answer_column(raw)
        if not prompt or answer is None:
            raise RequestError(
                f"no prompts and answers among the columns {', '.join(raw.columns) or '(none)'}",
                where="--task instruction",
                mend="name them with --input and --target; or give columns prompt and completion, "
                "instruction and output, or messages",
            )
        listed = " and ".join((*prompt, answer))
        return prompt, answer, "as given" if named else f"columns {listed}, by their names"
    sources, goal = found
    listed = " and ".join(dict.fromkeys((*sources, goal)))
    return (
        sources,
        goal,
        f"columns {listed}"
        if len(sources) > 1 or sources[0] != goal
        else (f"column {goal}, a list of messages a row"),
    )


def prompt_columns(raw: Raw) -> tuple[str, ...]:
    """Return the columns that hold prompts, by their names: one, or an instruction and its input.

    Empty if there are none.
    """
    columns = {name.lower().strip(): name for name in raw.columns}
    first = next((name for name in PROMPTS if name in columns), None)
    if first is None:
        return ()
    beside = (columns[BESIDE],) if first == "instruction" and BESIDE in columns else ()
    return (columns[first], *beside)


def holds_dialogues(raw: Raw) -> bool:
    """Whether some columns could be prompts and answers, by their names."""
    return _by_name(raw) is not None or bool(prompt_columns(raw) and _answer_column(raw))


def _answer_column(raw: Raw) -> str | None:
    columns = {name.lower().strip(): name for name in raw.columns}
    return next((columns[name] for name in ANSWERS if name in columns), None)


def _by_name(raw: Raw) -> tuple[tuple[str, ...], str] | None:
    columns = {name.lower().strip(): name for name in raw.columns}
    for name in LISTS:
        if name in columns and any(_is_list(cell) for cell in raw.columns[columns[name]]):
            return (columns[name],), columns[name]
    for prompt, answers in _NAMED:
        answer = next((columns[name] for name in answers if name in columns), None)
        if prompt in columns and answer is not None:
            beside = (columns[BESIDE],) if prompt == "instruction" and BESIDE in columns else ()
            return (columns[prompt], *beside), answer
    return _questions(raw, columns)


def _questions(raw: Raw, columns: dict[str, str]) -> tuple[tuple[str, ...], str] | None:
    """Return the columns of questions and answers; None where other things may be learnt."""
    if columns.keys() != {"question", "answer"}:
        return None
    answers = [cell for cell in raw.columns[columns["answer"]] if not is_missing(cell)]
    written = [cell for cell in answers if isinstance(cell, str) and len(cell.split()) > 1]
    if not answers or len(set(written)) < len(answers) / 2:
        return None
    return (columns["question"],), columns["answer"]


def _is_list(cell: Any) -> bool:
    return isinstance(_listed(cell), list | tuple)


def _listed(cell: Any) -> Any:
    """Return a cell with the list that is written in it, as a CSV file must; else itself."""
    if not isinstance(cell, str) or not cell.lstrip().startswith("["):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def dialogue_reader(raw: Raw, sources: Sequence[str], target: str) -> Callable[[int], Dialogue]:
    """Return what reads the dialogue of a row.

    It raises :class:`~headstart.task.cells.BadRowError` for a row that is none.
    """
    if tuple(sources) == (target,):
        return lambda row: _checked(_messages(raw.columns[target][row]))

    def read(row: int) -> Dialogue:
        cells = [raw.columns[name][row] for name in sources]
        answer = raw.columns[target][row]
        if is_missing(answer):
            raise BadRowError("missing-targets", "the answer is empty")
        if all(isinstance(cell, list | tuple) for cell in (cells[0], answer)):
            return _checked([*_messages(cells[0]), *_messages(answer)])
        texts = [cell_text(cells[0]), *(cell_text(c) for c in cells[1:] if not is_missing(c))]
        return _checked([Message("user", "\n\n".join(texts)),
                         Message("assistant", cell_text(answer))])  # fmt: skip

    return read


def prompt_of(cell: Any) -> Dialogue:
    """Return the dialogue in a list of messages whose next answer is to be written.

    An answer that ends it already is left out.

    Raises:
        BadRowError: It is no list of messages, or they are out of order.
    """
    found = _messages(cell)
    if found[-1].role == "assistant":
        found.pop()
    whole = _checked([*found, Message("assistant", "…")])
    return Dialogue((*whole.prompt, Message("assistant", "")))


def _messages(cell: Any) -> list[Message]:
    cell = _listed(cell)
    if not isinstance(cell, list | tuple) or not cell:
        raise BadRowError("empty-inputs", "there is no list of messages")
    return [_message(one) for one in cell]


def _message(one: Any) -> Message:
    if not isinstance(one, dict):
        raise BadRowError("unreadable-inputs", f"a message is {type(one).__name__}, no object")
    role, content = one.get("role", one.get("from")), one.get("content", one.get("value"))
    if role is None or content is None:
        missing = "role" if role is None else "content"
        raise BadRowError("unreadable-inputs", f"a message without '{missing}'")
    known = _ROLES.get(str(role).strip().lower())
    if known is None:
        raise BadRowError("unreadable-roles", f"the role {shown(role)!r} is not known")
    content = _written(content)
    return Message(known, cell_text(content) if not is_missing(content) else "")


def _written(content: Any) -> Any:
    """Return the text of a content that is kept as parts: ``[{"type": "text", "text": …}]``."""
    if not isinstance(content, list | tuple):
        return content
    parts = [one if isinstance(one, dict) else {"type": "text", "text": one} for one in content]
    strange = next((one for one in parts if not isinstance(one.get("text"), str)), None)
    if strange is not None:
        kind = shown(strange.get("type", "unknown"))
        raise BadRowError("unreadable-inputs", f"a message with a part of type {kind}, not text")
    return "".join(one["text"] for one in parts)


def _checked(messages: list[Message]) -> Dialogue:
    """Return the dialogue, if its turns come in order and the assistant has the last word."""
    turns = messages[1:] if messages[0].role == "system" else messages
    for at, one in enumerate(turns):
        expected = ("user", "assistant")[at % 2]
        if one.role != expected:
            raise BadRowError("unreadable-roles", f"turn {at + 1} is by {one.role}, not {expected}")
        if not one.content:
            code = "missing-targets" if expected == "assistant" else "empty-inputs"
            raise BadRowError(code, f"turn {at + 1}, by {one.role}, is empty")
    if not turns or turns[-1].role != "assistant":
        raise BadRowError("missing-targets", "no answer by the assistant ends it")
    return Dialogue(tuple(messages))
