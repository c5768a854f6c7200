"""A standard: an organization's rules for approval, as a YAML file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.errors import RequestError
from headstart.files import canonical, digest
from headstart.hub.gate.reading import UnreadableError, load_yaml, read_text

DEFAULT = "default.yaml"
_LARGEST = 256 * 1024
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardRules(_Strict):
    """What a model card must hold: fields of its front matter, headings of its text."""

    fields: tuple[str, ...] = ("license", "pipeline_tag")
    sections: tuple[str, ...] = ()


class SizeRules(_Strict):
    """Limits on the files of a revision: bytes in all, bytes of one, number of files."""

    bytes: Count = 50 * 2**30
    file_bytes: Count = 20 * 2**30
    files: Count = 1000


class Allowances(_Strict):
    """What is allowed beyond what is known to be safe, in so many words.

    ``files``: patterns (``*`` stays within a folder) of files of unlisted kinds. ``pickle``:
    patterns of files that may be pickles: they run code when they are loaded.
    ``configuration_keys``: keys that may hold text, names of code included.
    ``template_names``: filters, tests, functions and methods that chat templates may use.
    """

    files: tuple[str, ...] = ()
    pickle: tuple[str, ...] = ()
    configuration_keys: tuple[str, ...] = ()
    template_names: tuple[str, ...] = ()


class ReferenceTask(_Strict):
    """A task that every candidate is scored on.

    ``data`` names the data, from the standard's file on, or a packaged set; ``input`` and
    ``target`` its columns, where they are not found by themselves. Of its rows ``part`` counts, and
    no more than ``rows``. The lower end of the score's interval must reach ``at_least`` (for
    metrics where a lower score is better: the upper end must not pass it).
    """

    name: str
    data: str
    metric: str
    at_least: Annotated[float, Field(allow_inf_nan=False)]
    input: tuple[str, ...] = ()
    target: str | None = None
    part: Literal["all", "train", "validation", "test"] = "all"
    rows: Count | None = None


class Forgetting(_Strict):
    """How much of what the base could do may be lost, as a part of its score.

    ``retain`` names what it could do, as ``headstart adapt --retain`` does; paths are from the
    standard's file on. Without any, a packaged set holds.
    """

    at_most: Part
    retain: tuple[str, ...] = ()


class Latency(_Strict):
    """How long one input may take where the gate runs, on one thread."""

    milliseconds: Positive
    percentile: Annotated[float, Field(gt=0, le=100)] = 95.0


class Approval(_Strict):
    """Who may approve: roles, how many of them, whether one's own model, valid for how long."""

    roles: tuple[str, ...] = ("approve", "admin")
    least: Count = 1
    own: bool = False
    expires_days: Count | None = None


class Limits(_Strict):
    """What one check may take: seconds on the clock, seconds of CPU, bytes of memory and files."""

    seconds: Positive = 600.0
    cpu_seconds: Count = 600
    memory_bytes: Count = 8 * 2**30
    scratch_bytes: Count = 4 * 2**30


class Standard(_Strict):
    """An organization's rules.

    ``checks`` are run in this order. ``licences`` are the Hub's identifiers in small letters.
    ``formats`` are kinds of files, see :mod:`headstart.hub.gate.kinds`. ``predictions`` is the
    largest difference of recorded sample predictions, ``drift`` that of an exported model, which
    is written in each of the forms in ``exports`` that it has. ``incumbent`` is what a candidate
    must be next to the approved revision; ``samples`` whether predictions must be recorded.
    """

    version: Literal[1] = 1
    name: str
    checks: tuple[str, ...]
    licences: tuple[str, ...]
    formats: tuple[str, ...]
    card: CardRules = CardRules()
    size: SizeRules = SizeRules()
    allow: Allowances = Allowances()
    tasks: tuple[ReferenceTask, ...] = ()
    forgetting: Forgetting | None = None
    seeds: Annotated[int, Field(ge=0)] = 0
    latency: Latency | None = None
    incumbent: Literal["better", "no-worse"] = "better"
    samples: Literal["optional", "required"] = "optional"
    predictions: Annotated[float, Field(ge=0)] = 1e-3
    exports: tuple[Literal["transformers", "onnx", "gguf"], ...] = ("transformers",)
    drift: Annotated[float, Field(ge=0)] = 1e-3
    approval: Approval = Approval()
    limits: Limits = Limits()

    @property
    def fingerprint(self) -> str:
        """32 hex digits that change with any rule."""
        return digest(canonical(self.model_dump(mode="json")))

    def references(self) -> tuple[str, ...]:
        """Return what the rules name of data: of reference tasks, and of what is retained."""
        retained = self.forgetting.retain if self.forgetting else ()
        return tuple(dict.fromkeys([*(task.data for task in self.tasks), *retained]))


def read_standard(file: Path) -> Standard:
    """Return the standard in a YAML ``file``.

    Raises:
        RequestError: It cannot be read, or it says something that no standard says.
    """
    try:
        return parse_standard(read_text(file, _LARGEST), where=str(file))
    except UnreadableError as error:
        raise RequestError(
            f"cannot read the standard: {error}", where=str(file), mend="mend the file"
        ) from error


def parse_standard(text: str, *, where: str = "the standard") -> Standard:
    """Return the standard that YAML ``text`` tells.

    Raises:
        RequestError: As :func:`read_standard`.
    """
    try:
        return Standard.model_validate(load_yaml(text))
    except UnreadableError as error:
        raise RequestError(
            f"cannot read the standard: {error}", where=where, mend="mend the file"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RequestError(
            f"'{place}': {first['msg']}" + _more(error.error_count() - 1),
            where=where,
            mend="see the default standard, headstart/hub/gate/default.yaml",
        ) from error


def default_standard() -> Standard:
    """Return the standard that is packaged: static checks, well-known licences, no pickle."""
    text = files("headstart.hub.gate").joinpath(DEFAULT).read_text(encoding="utf-8")
    return parse_standard(text, where=DEFAULT)


def _more(others: int) -> str:
    return f" (and {others} more faults)" if others > 0 else ""
