"""Takes inputs and targets out of a table; what cannot be used is dropped, counted and named."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.errors import RequestError
from headstart.files import digest
from headstart.progress import Progress
from headstart.task.cells import BadRowError, cell_text
from headstart.task.columns import is_image, number
from headstart.task.detect import Detection
from headstart.task.dialogues import dialogue_reader
from headstart.task.images import image_problem
from headstart.task.labels import atoms
from headstart.task.model import Dialogue, Image, Input, Kind, Modality, Objective, Warning
from headstart.task.raw import Raw, is_missing, shown

_MOST_DROPPED = 0.2
_THREADS = 4

Target = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Usable rows: N inputs, targets as the user wrote them, content hashes, origins, parts."""

    inputs: list[Input]
    targets: list[Target]
    ids: list[str]
    origins: list[str]
    parts: list[str] | None

    def __len__(self) -> int:
        return len(self.inputs)


def extract(raw: Raw, detection: Detection, progress: Progress) -> tuple[Rows, list[Warning]]:
    """Return the usable rows of ``raw`` and a warning for each kind of row left out.

    Raises:
        RequestError: More than 20% of the rows cannot be used, or none is left.
    """
    read_row = _row_reader(raw, detection)
    inputs: list[Any] = []
    targets: list[Target] = []
    kept: list[int] = []
    bad: dict[int, BadRowError] = {}
    for row in range(len(raw)):
        try:
            content, target = read_row(row)
        except BadRowError as error:
            bad[row] = error
            continue
        inputs.append(content)
        targets.append(target)
        kept.append(row)
    if detection.modality is Modality.IMAGE:
        ids, problems = _inspect(inputs, progress)
        bad |= {kept[at]: BadRowError("unreadable-images", what) for at, what in problems.items()}
    else:
        ids = [content_id(content) for content in inputs]
    warnings = _report(raw, detection, bad)
    use = [at for at, row in enumerate(kept) if row not in bad]
    rows = Rows(
        inputs=[inputs[at] for at in use],
        targets=[targets[at] for at in use],
        ids=[ids[at] for at in use],
        origins=[raw.origins[kept[at]] for at in use],
        parts=[raw.parts[kept[at]] for at in use] if raw.parts else None,
    )
    return rows, warnings


def content_id(content: Input) -> str:
    """Return 32 hex digits of the hash of an input that is text, a pair or words."""
    if isinstance(content, str):
        return digest("text", content)
    if isinstance(content, Dialogue):
        return digest("dialogue", *(part for m in content.messages for part in (m.role, m.content)))
    if isinstance(content, tuple):
        return digest("texts", *content)
    return digest("image", content.data or b"")


def _row_reader(raw: Raw, detection: Detection) -> Callable[[int], tuple[Input, Target]]:
    """Return what reads input and target of a row."""
    if detection.kind is Kind.INSTRUCTION:
        dialogue = dialogue_reader(raw, detection.input, detection.target)

        def spoken(row: int) -> tuple[Input, Target]:
            found = dialogue(row)
            return found, float(sum(len(answer.encode("utf-8")) for answer in found.answers))

        return spoken
    reader = _input_reader(raw, detection)
    sources = [raw.columns[name] for name in detection.input]
    if detection.kind is Kind.LANGUAGE_MODELING:

        def written(row: int) -> tuple[Input, Target]:
            text = str(reader(sources[0][row]))
            return text, float(len(text.encode("utf-8")))

        return written
    target_of, goals = _target_reader(detection), raw.columns[detection.target]

    def labelled(row: int) -> tuple[Input, Target]:
        content, target = reader(*(cells[row] for cells in sources)), target_of(goals[row])
        if detection.objective is Objective.TAGS:
            _check_tags(content, target)
        return content, target

    return labelled


def _input_reader(raw: Raw, detection: Detection) -> Callable[..., Input]:
    if detection.modality is Modality.IMAGE:
        return lambda cell: _image(cell, raw.image)
    if detection.kind is Kind.TOKEN_CLASSIFICATION:
        return _words
    if len(detection.input) == 2:
        return lambda first, second: (cell_text(first), cell_text(second))
    return cell_text


def _words(cell: Any) -> tuple[str, ...]:
    words = cell.split() if isinstance(cell, str) else cell
    if is_missing(cell) or not isinstance(words, list | tuple) or not words:
        raise BadRowError("empty-inputs", "the input has no words")
    return tuple(str(word).encode("utf-8", "replace").decode("utf-8") for word in words)


def _image(cell: Any, find: Callable[[str], Image | None] | None) -> Image:
    if is_missing(cell):
        raise BadRowError("empty-inputs", "there is no image")
    if isinstance(cell, Image):
        return cell
    if isinstance(cell, bytes):
        return Image(data=cell)
    if isinstance(cell, dict):
        return _image(cell.get("bytes") or cell.get("path"), find)
    if isinstance(cell, str) and is_image(cell):
        found = find(cell) if find else Image(path=Path(cell))
        if found is None:
            raise BadRowError(
                "unreadable-images", f"no image file '{shown(cell)}' beside the table"
            )
        return found
    if hasattr(cell, "getexif"):  # a Pillow image
        written = io.BytesIO()
        keeps = cell.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16")
        (cell if keeps else cell.convert("RGB")).save(written, format="PNG")
        return Image(data=written.getvalue())
    raise BadRowError("unreadable-images", f"{shown(cell)} is no image")


def _target_reader(detection: Detection) -> Callable[[Any], Target]:
    if detection.objective is Objective.REAL:
        return _real
    if detection.objective is Objective.TAGS:
        return lambda cell: _labels(cell.split() if isinstance(cell, str) else cell)
    if detection.objective is Objective.MULTI_LABEL:
        separator = detection.separator
        if separator is None:
            return lambda cell: tuple(dict.fromkeys(_labels(cell)))
        return lambda cell: atoms(_label(cell, False), separator)
    integral = detection.integral
    return lambda cell: _label(cell, integral)


def _real(cell: Any) -> float:
    if is_missing(cell):
        raise BadRowError("missing-targets", "the target is missing (empty or NaN)")
    value = number(cell)
    if value is None:
        raise BadRowError("unreadable-targets", f"the target {shown(cell)!r} is no finite number")
    return value


def _label(cell: Any, integral: bool) -> str:
    if is_missing(cell):
        raise BadRowError("missing-targets", "the target is missing (empty or NaN)")
    if integral and (value := number(cell)) is not None:
        return str(int(value))
    return str(cell).strip().encode("utf-8", "replace").decode("utf-8")


def _labels(cell: Any) -> tuple[str, ...]:
    if not isinstance(cell, list | tuple):
        raise BadRowError("missing-targets", "the target is no list of labels")
    return tuple(_label(item, isinstance(item, int | float)) for item in cell)


def _check_tags(words: Any, tags: Any) -> None:
    if len(words) != len(tags):
        raise BadRowError("unreadable-targets", f"{len(words)} words but {len(tags)} tags")


def _inspect(images: Sequence[Image], progress: Progress) -> tuple[list[str], dict[int, str]]:
    """Return the content hash of each image, and the problems of those that do not open."""
    ids: list[str] = []
    problems: dict[int, str] = {}
    with (
        ThreadPoolExecutor(_THREADS) as pool,
        progress.bar("checking images", len(images)) as advance,
    ):
        for at, (identity, problem) in enumerate(pool.map(_inspected, images)):
            ids.append(identity)
            if problem:
                problems[at] = problem
            advance()
    return ids, problems


def _inspected(image: Image) -> tuple[str, str | None]:
    try:
        content = image.data if image.path is None else image.path.read_bytes()
    except OSError as error:
        return "", f"the image file cannot be read: {error.strerror or error}"
    content = content or b""
    identity = hashlib.sha256(content).hexdigest()[:32]
    if not content:
        return identity, "the image file is empty (0 bytes)"
    return identity, image_problem(Image(data=content))


def _report(raw: Raw, detection: Detection, bad: dict[int, BadRowError]) -> list[Warning]:
    """Return a warning for each kind of bad row; refuse if they are more than a fifth."""
    count, total = len(bad), len(raw)
    if count and (count > _MOST_DROPPED * total or count == total):
        row, first = next(iter(sorted(bad.items())))
        raise RequestError(
            f"{count:,} of {total:,} rows cannot be used; the first: {first.what}",
            where=f"{raw.origins[row]}, {_place(detection, first)}",
            mend=f"mend or remove these rows (up to {_MOST_DROPPED:.0%} would be left out), or "
            "name other columns with --input and --target",
        )
    codes: dict[str, list[int]] = {}
    for row in sorted(bad):
        codes.setdefault(bad[row].code, []).append(row)
    return [
        Warning(
            code,
            f"{len(found):,} of {total:,} rows were left out: {bad[found[0]].what}",
            len(found),
            tuple(f"{raw.origins[row]}: {bad[row].what}" for row in found[:5]),
        )
        for code, found in codes.items()
    ]


def _place(detection: Detection, bad: BadRowError) -> str:
    if "target" in bad.code:
        return f"column '{detection.target}'"
    return "column " + " and ".join(f"'{name}'" for name in detection.input)
