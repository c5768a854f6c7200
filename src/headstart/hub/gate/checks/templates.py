"""Do chat templates use only what chat templates need?

Templates are parsed as transformers parses them, and every construct, filter, test, function and
method is held against a list. Then one short conversation is written within a budget.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.errors import RequestError
from headstart.hub.gate.kinds import kind_of, word_set
from headstart.hub.gate.model import Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import MEBIBYTE, File, listing, load_json, read_text

if TYPE_CHECKING:
    from jinja2 import nodes

_LARGEST = 256 * 1024
_MOST_NODES = 50_000
_DEEPEST_LOOPS = 8
_LARGEST_NUMBER = 100_000
_NODES = word_set(
    "Template Output TemplateData Name NSRef Const Tuple List Dict Pair Keyword Getattr Getitem "
    "Slice Call Filter Test Compare Operand Not And Or Add Sub Mul Div FloorDiv Mod Neg Pos Concat "
    "CondExpr If For Assign AssignBlock Macro CallBlock FilterBlock Break Continue With "
    "Scope"
)
_FUNCTIONS = word_set("range namespace raise_exception strftime_now dict caller joiner cycler loop")
_METHODS = word_set(
    "strip lstrip rstrip split rsplit splitlines startswith endswith upper lower title capitalize "
    "replace join items keys values get find rfind index count isdigit isalpha isalnum isspace "
    "isupper islower removeprefix removesuffix partition rpartition cycle"
)
_FILTERS = word_set(
    "tojson trim length count default d join upper lower capitalize title replace first last list "
    "items string int float round map select selectattr reject rejectattr sort unique indent safe "
    "e escape dictsort abs min max sum reverse wordcount"
)
_TESTS = word_set(
    "defined undefined none string mapping iterable sequence number integer float boolean true "
    "false in eq equalto == ne != lt < le <= gt > ge >= greaterthan lessthan odd even divisibleby "
    "sameas lower upper"
)
_NAMED = {"map": (0, _FILTERS), "select": (0, _TESTS), "reject": (0, _TESTS),
          "selectattr": (1, _TESTS), "rejectattr": (1, _TESTS)}  # fmt: skip
_DUNDER = re.compile(r"__\w+__|^_")
_INTERNAL = word_set("mro format format_map func_globals gi_frame gi_code cr_frame ag_frame")


class Templates:
    """Chat templates, in files, JSON and GGUF, are made of listed constructs only."""

    name: ClassVar[str] = "templates"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        reasons: list[Reason] = []
        widened = frozenset(candidate.standard.allow.template_names)
        looked = 0
        for file in listing(candidate.folder).files:
            try:
                for place, text in _templates(file):
                    looked += 1
                    faults = dict.fromkeys(template_faults(text, widened))
                    reasons += [Reason(file.name, f"{place}{fault}") for fault in faults]
            except (RequestError, OSError) as error:
                reasons.append(Reason(file.name, getattr(error, "what", str(error))))
        good = (
            f"{looked} chat templates, made of listed constructs."
            if looked
            else ("There is no chat template.")
        )
        mend = (
            "Write the template without it, or list the name in the standard's "
            "allow.template_names."
        )
        return judged(self.name, reasons, good=good, mend=mend, details={"templates": looked})


def _templates(file: File) -> Iterator[tuple[str, str]]:
    """Yield (place within the file, template) of every template in ``file``."""
    kind, last = kind_of(file.name), PurePosixPath(file.name).name
    if kind == "template":
        yield "", read_text(file.path, _LARGEST)
    elif kind == "json" and last.endswith(("_config.json", "chat_template.json", "config.json")):
        if file.size <= 8 * MEBIBYTE:  # larger ones are refused by the check of configurations
            yield from _in_json(load_json(read_text(file.path, 8 * MEBIBYTE)))
    elif kind == "gguf":
        from headstart.base.gguf_header import read_header

        header = read_header(file.path)
        for key, text in header.texts.items():
            if "chat_template" in key:
                yield f"'{key[:80]}': ", text


def _in_json(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the templates under ``chat_template`` keys: a text, or a list or map of named ones."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            for key, inner in item.items():
                if key in ("chat_template", "template"):
                    yield from ((f"'{key}': ", text) for text in _texts_of(inner))
                pending.append(inner)


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):  # a map of named templates; lists hold maps that come by later
        yield from (text for text in value.values() if isinstance(text, str))


def template_faults(text: str, widened: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what a chat template must not hold, with its line.

    Args:
        text: A Jinja template (https://jinja.palletsprojects.com/templates/).
        widened: Names of filters, tests, functions and methods that are allowed beside the lists.
    """
    from jinja2.exceptions import TemplateError

    from headstart.hub.gate.trial import environment, try_out

    if len(text) > _LARGEST:
        yield f"the template is longer than {_LARGEST:,} characters"
        return
    try:
        tree = environment().parse(text)
        faults = list(_walk(tree, widened))
    except TemplateError as error:
        yield f"no Jinja template that transformers reads: {error}"
        return
    except (RecursionError, MemoryError, ValueError, OverflowError):
        yield "the template is nested too deeply, or holds an impossible number"
        return
    yield from faults
    if not faults:
        refused = try_out(tree)
        if refused is not None:
            yield refused


def _walk(tree: nodes.Template, widened: frozenset[str]) -> Iterator[str]:
    from jinja2 import nodes

    functions = _FUNCTIONS | {macro.name for macro in tree.find_all(nodes.Macro)} | widened
    names = _Names(functions, _METHODS | widened, _FILTERS | widened, _TESTS | widened)
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while pending:
        node, loops = pending.pop()
        count += 1
        if count > _MOST_NODES:
            yield f"the template has more than {_MOST_NODES:,} parts"
            return
        kind = type(node).__name__
        loops += kind == "For"
        fault = _unlisted(kind, loops) or names.judge(node)
        if fault:
            yield f"line {node.lineno}: {fault}"
        pending += [(child, loops) for child in node.iter_child_nodes()]


def _unlisted(kind: str, loops: int) -> str | None:
    if kind not in _NODES:
        return f"the construct '{kind}' is not on the list"
    return f"loops within more than {_DEEPEST_LOOPS} loops" if loops > _DEEPEST_LOOPS else None


class _Names:
    """Holds the names that a node uses against the lists."""

    def __init__(
        self,
        functions: frozenset[str],
        methods: frozenset[str],
        filters: frozenset[str],
        tests: frozenset[str],
    ) -> None:
        self.functions, self.methods, self.filters, self.tests = functions, methods, filters, tests

    def judge(self, node: Any) -> str | None:
        """Return what is wrong with one node, its children aside."""
        judge = getattr(self, f"_{type(node).__name__.lower()}", None)
        return judge(node) if judge is not None else None

    def _call(self, node: Any) -> str | None:
        kind = type(node.node).__name__
        name = getattr(node.node, "attr" if kind == "Getattr" else "name", "")
        listed = {"Getattr": self.methods, "Name": self.functions}.get(kind, frozenset())
        if name in listed:
            return None
        what = "method" if kind == "Getattr" else "function"
        return f"the {what} '{name[:80]}' is not on the list" if name else "calls a computed value"

    def _getattr(self, node: Any) -> str | None:
        if node.attr.startswith("_") or node.attr in _INTERNAL:
            return f"reaches for the attribute '{node.attr[:80]}'"
        return None

    def _getitem(self, node: Any) -> str | None:
        if type(node.arg).__name__ in ("Concat", "Mod", "Filter") or _adds_text(node.arg):
            return "a subscript is computed from text"
        return None

    def _const(self, node: Any) -> str | None:
        value = node.value
        if isinstance(value, str) and _DUNDER.search(value):
            return f"the text {value[:40]!r} names what is internal to Python"
        if isinstance(value, (int, float)) and abs(value) > _LARGEST_NUMBER:
            return f"a number larger than {_LARGEST_NUMBER:,}"
        return None

    def _filter(self, node: Any) -> str | None:
        if node.name not in self.filters:
            return f"the filter '{node.name[:80]}' is not on the list"
        place, listed = _NAMED.get(node.name, (0, None))
        if listed is None or len(node.args) <= place:
            return None
        named = getattr(node.args[place], "value", None)
        if isinstance(named, str) and named in listed | self.filters | self.tests:
            return None
        return f"the filter '{node.name}' uses a name that is not on the list"

    def _test(self, node: Any) -> str | None:
        if node.name not in self.tests:
            return f"the test '{node.name[:80]}' is not on the list"
        return None


def _adds_text(node: Any) -> bool:
    parts = (getattr(node, "left", None), getattr(node, "right", None))
    return any(isinstance(getattr(part, "value", None), str) for part in parts)
