"""Write one short conversation with a chat template, counting what it does.

A template of listed constructs can still loop for ever or double a text forty times. Here every
loop, call and joined text is counted against a budget, so that it ends in milliseconds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

_MOST_STEPS = 100_000  # loop turns and calls; four messages take a few hundred
_LONGEST = 32 * 1024  # characters of one text; two of them multiply to a gibibyte at most
_CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is the capital of France?"},
    {"role": "assistant", "content": "Paris."},
    {"role": "user", "content": "And of Italy?"},
]
_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string", "description": "A town."}},
            "required": ["place"],
        },
    },
}


class OverBudget(Exception):  # noqa: N818  # told in words by who catches it
    """A template did more than any chat template does."""


class _Generation(Extension):
    """``{% generation %}``: marks what the assistant said, for training; shows its body."""

    tags = {"generation"}  # noqa: RUF012  # jinja2's way

    def parse(self, parser: Any) -> list[nodes.Node]:
        """Return the body."""
        next(parser.stream)
        body: list[nodes.Node] = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return body


def environment() -> ImmutableSandboxedEnvironment:
    """Return an environment that parses what transformers' does."""
    return _Counting(
        optimized=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, loopcontrols],
    )


def try_out(tree: nodes.Template) -> str | None:
    """Write the conversation, with and without tools; return why the template is refused, or None.

    Args:
        tree: The parsed template; it is changed.
    """
    env = environment()
    assert isinstance(env, _Counting)
    try:
        template = env.template_class.from_code(
            env, env.compile(_Counted().visit(tree)), env.make_globals(env.counters())
        )
        for tools in (None, [_TOOL]):
            env.steps, length = 0, 0
            for part in template.generate(**_context(tools)):
                length += len(part)
                if length > _LONGEST * 8:
                    raise OverBudget(f"it writes more than {length:,} characters")
    except OverBudget as error:
        return f"{error} for a conversation of four messages"
    except SecurityError as error:
        return f"it reaches for what the sandbox forbids: {error}"
    except (RecursionError, MemoryError):
        return "it goes on for ever, or takes all memory"
    except Exception:  # a template may refuse this conversation in its own way
        return None
    return None


def _context(tools: Any) -> dict[str, Any]:
    return {
        "messages": [dict(message) for message in _CONVERSATION], "tools": tools,
        "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>",
        "pad_token": "</s>", "unk_token": "<unk>", "documents": None,
    }  # fmt: skip


class _Counting(ImmutableSandboxedEnvironment):
    """A sandbox that counts, and stops at the budget."""

    intercepted_binops = frozenset({"+", "*", "%"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.steps = 0
        self.filters = {name: self._measured(f) for name, f in self.filters.items()}

    def counters(self) -> dict[str, Any]:
        """Return the functions that chat templates know, and those put in by :class:`_Counted`."""
        return {
            "counted": self._counted,
            "joined": lambda *parts: self._measure("".join(str(part) for part in parts)),
            "raise_exception": _refuse,
            "strftime_now": lambda form: "2020-01-01",
        }

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Work out ``left operator right``, unless the result would be too long."""
        if operator == "*" and not (isinstance(left, int) and isinstance(right, int)):
            sizes = [len(s) if isinstance(s, (str, list, tuple)) else s for s in (left, right)]
            if all(isinstance(size, int) for size in sizes) and sizes[0] * sizes[1] > _LONGEST:
                raise OverBudget("it makes a text too long")
        return self._measure(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and count it."""
        self._step()
        return self._measure(super().call(context, obj, *args, **kwargs))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise OverBudget(f"it takes more than {_MOST_STEPS:,} steps")

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._step()
            yield item

    def _measure(self, value: Any) -> Any:
        if isinstance(value, (str, list, tuple)) and len(value) > _LONGEST:
            raise OverBudget(f"it makes a text of {len(value):,} characters")
        if isinstance(value, int) and value.bit_length() > 256:
            raise OverBudget("it makes a number too large")
        return value

    def _measured(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            self._step()
            return self._measure(function(*args, **kwargs))

        return measured


class _Counted(NodeTransformer):
    """Puts the counters into a template: around what loops go over, and for ``~``."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        """Count the turns of a loop."""
        self.generic_visit(node)
        node.iter = _call("counted", [cast(nodes.Expr, node.iter)])
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """Measure a joined text."""
        self.generic_visit(node)
        return _call("joined", node.nodes)


def _call(name: str, arguments: list[nodes.Expr]) -> nodes.Call:
    line = arguments[0].lineno
    return nodes.Call(nodes.Name(name, "load", lineno=line), arguments, [], None, None, lineno=line)


def _refuse(message: Any) -> None:
    raise ValueError(str(message))
