"""Every real classification set is read without a flag, with the counts its README states."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.model import Kind, Objective

# set, classes, train + validation rows, test rows
SETS = [
    ("text/banking77", 77, 9_996, 3_080),
    ("text/clinc150", 151, 15_095 + 3_100, 5_500),
    ("text/sst2", 2, 6_917 + 872, 1_821),
    ("text/agnews-small", 4, 6_000, 1_600),
    ("text/medical-abstracts", 5, 1_993, 664),
    ("text/amazon-domains", 2, 4_000, 1_000),
    ("xling/sib200-12.parquet", 7, 12 * (701 + 99), 12 * 204),
    ("vision/cifar10-small", 10, 5_000, 1_000),
    ("vision/clothing10.zip", 10, 700, 220),
    ("vision/hymenoptera.zip", 2, 244, 153),
    ("vision/pacs-small.zip", 6, 4 * 168, 4 * 60),
]


@pytest.mark.parametrize(("name", "classes", "learn", "test"), SETS)
def test_it_is_read_without_flags(
    shared_data: Path, name: str, classes: int, learn: int, test: int
) -> None:
    task = build_task(shared_data / name)
    assert task.kind is Kind.CLASSIFICATION
    assert task.objective is Objective.SINGLE_LABEL
    assert len(task.classes) == classes
    assert len(task.train) + len(task.validation) == learn
    assert len(task.test) == test
    codes = {warning.code for warning in task.warnings}
    assert codes <= {"duplicates", "class-imbalance"}  # the README: nothing is in two parts


def test_the_parts_of_clinc150_and_sib200_are_their_own(shared_data: Path) -> None:
    assert len(build_task(shared_data / "text/clinc150").validation) == 3_100
    assert len(build_task(shared_data / "xling/sib200-12.parquet").validation) == 12 * 99


def test_hwu64_has_several_targets_and_says_which(shared_data: Path) -> None:
    with pytest.raises(RequestError, match="4 columns could be the target") as caught:
        build_task(shared_data / "multitask/hwu64")
    assert "--target scenario" in str(caught.value)


@pytest.mark.parametrize(("target", "classes"), [("scenario", 18), ("action", 51)])
def test_hwu64_with_a_target(shared_data: Path, target: str, classes: int) -> None:
    task = build_task(shared_data / "multitask/hwu64", target=target)
    assert len(task.classes) == classes
    assert [len(part) for part in task.parts.values()] == [8_881, 1_076, 1_076]


@pytest.mark.parametrize("kind", [None, Kind.CLASSIFICATION])
def test_the_entities_of_hwu64_are_multi_label(shared_data: Path, kind: Kind | None) -> None:
    task = build_task(shared_data / "multitask/hwu64", target="entities", kind=kind)
    assert task.objective is Objective.MULTI_LABEL
    assert {"date", "time", "none"} <= set(task.classes)
