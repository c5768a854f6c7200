"""What every retention suite owes: pairs, the same numbers again, rows that nothing trains on.

A new suite needs one entry in :func:`cases`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from headstart.base import reference
from headstart.errors import RequestError
from headstart.measure.interval import bootstrap
from headstart.measure.score import METRICS
from headstart.progress import Silent
from headstart.retention.forgotten import forgotten
from headstart.retention.suite import PARTS, SUITES, Suite, read_suites
from headstart.task.model import Modality, Objective
from headstart.train.language import LanguageNetwork
from headstart.train.linear import LinearHead
from headstart.train.network import Network

from .test_choices import questions, written


@dataclass(frozen=True)
class Case:
    """Where a suite is at home.

    Attributes:
        reference: What it reads.
        base: A base that does well on it.
        shuffled: The same rows in another order.
        changed: Some rows less.
        bad: References that it must refuse, and what the error has to say.
        contents: The ids of a suite's rows in a part.
    """

    reference: Path
    base: str
    shuffled: Path
    changed: Path
    bad: dict[str, str]
    contents: Callable[[Any, str], Sequence[str]]


@pytest.fixture(scope="session")
def cases(taught, retained, learned, topics, tmp_path_factory) -> dict[str, Case]:
    folder = tmp_path_factory.mktemp("cases")
    (folder / "empty.csv").touch()
    (folder / "numbers.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    bad = {
        str(folder / "absent.csv"): "no such file",
        str(folder / "empty.csv"): "empty",
        str(folder / "numbers.csv"): "",
        "packaged:nothing": "packaged",
    }
    asked = written(folder / "asked.jsonl", questions(120))
    bad_task = {**bad, **dict.fromkeys((str(folder / "no.yaml"), "lm-eval:nothing"), "--retain")}
    tasks = [lm_eval_task(path) for path in (asked, *rewritten(asked, folder, header=0))]
    return {
        "harness": Case(
            *[tasks[0], taught, *tasks[1:]], bad_task, lambda suite, part: suite.rows.get(part, ()),
        ),
        "choices": Case(
            asked, taught, *rewritten(asked, folder, header=0), bad,
            lambda suite, part: [one.content for one in suite.parts.get(part, ())],
        ),
        "corpus": Case(
            retained, taught, *rewritten(retained, folder, header=0), bad,
            lambda suite, part: suite.task.parts[part].ids,
        ),
        "labels": Case(
            topics, learned, *rewritten(topics, folder, header=1), bad,
            lambda suite, part: suite.rows.parts[part].ids,
        ),
    }  # fmt: skip


def rewritten(path: Path, folder: Path, header: int) -> tuple[Path, Path]:
    """Lines in another order, and without a tenth of them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows, found = lines[header:], []
    order = np.random.default_rng(0).permutation(len(rows))
    for name, kept in (("shuffled", order), ("changed", sorted(order[len(rows) // 10 :]))):
        found.append(folder / name / path.name)
        found[-1].parent.mkdir(exist_ok=True)
        text = "\n".join([*lines[:header], *(rows[at] for at in kept)])
        found[-1].write_text(text + "\n", encoding="utf-8")
    return found[0], found[1]


def lm_eval_task(data: Path) -> Path:
    """A task of these questions, in lm-eval's YAML, beside them."""
    told = {
        "task": "order", "dataset_path": "json", "output_type": "multiple_choice",
        "dataset_kwargs": {"data_files": {"test": str(data)}}, "test_split": "test",
        "doc_to_text": "{{query}}", "doc_to_choice": "{{choices}}", "doc_to_target": "answer",
        "metric_list": [{"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    path = data.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


every_suite = pytest.mark.parametrize("name", SUITES.names())


@pytest.fixture
def case(name, cases) -> Case:
    assert name in cases, f"add an entry for the suite '{name}' to cases()"
    return cases[name]


def suites(name: str, place: Path) -> list[Suite]:
    found = SUITES.get(name).read(str(place), Silent())
    assert found
    return found


def body_of(name: str, case: Case):
    load = reference.load_decoder if SUITES.get(name).writes else reference.load
    return load(case.base).eval()


@every_suite
def test_a_reference_leads_to_its_suite(name, case):
    kind = SUITES.get(name)
    found = read_suites(
        str(case.reference), writes=kind.writes, modality=Modality.TEXT, progress=Silent()
    )
    assert {type(one) for one in found} == {type(one) for one in suites(name, case.reference)}
    assert isinstance(found[0], kind)


@every_suite
def test_what_is_told_can_be_scored(name, case):
    body = body_of(name, case)
    for suite in suites(name, case.reference):
        metric = METRICS.get(suite.metric)
        for part in PARTS:
            targets, told = suite.targets(part), suite.told(body, part, Silent())
            assert len(told) == len(targets) >= 20
            found = bootstrap(suite.objective, suite.classes, targets, [told], suite.metric)
            assert metric.low <= found.low <= found.value <= found.high <= metric.high


@every_suite
def test_suites_of_one_reference_have_names_and_fingerprints_of_their_own(name, case):
    found = suites(name, case.reference)
    assert len({one.name for one in found}) == len(found)
    assert len({one.fingerprint() for one in found}) == len(found)


@every_suite
def test_the_same_body_has_forgotten_nothing(name, case):
    first, second = body_of(name, case), body_of(name, case)
    for suite in suites(name, case.reference):
        for part in PARTS:
            before, after = (suite.told(body, part, Silent()) for body in (first, second))
            assert forgotten(suite, part, before, after).value == 0.0
        assert all(
            value == pytest.approx(1.0) for value in suite.beside(first, second, Silent()).values()
        )


@every_suite
def test_a_suite_read_again_tells_the_same(name, case):
    body = body_of(name, case)
    for suite, again in zip(suites(name, case.reference), suites(name, case.shuffled), strict=True):
        np.testing.assert_array_equal(
            suite.told(body, "test", Silent()), again.told(body, "test", Silent())
        )


@every_suite
def test_a_fingerprint_is_that_of_the_rows(name, case):
    places = (case.reference, case.shuffled, case.changed)
    for first, same, other in zip(*(suites(name, place) for place in places), strict=True):
        assert first.fingerprint() == same.fingerprint()
        assert first.fingerprint() != other.fingerprint()


@every_suite
def test_no_row_is_both_trained_on_and_measured(name, case):
    for suite in suites(name, case.reference):
        train, validation, test = (set(case.contents(suite, part)) for part in ("train", *PARTS))
        assert train.isdisjoint(validation | test)
        assert validation.isdisjoint(test)


@every_suite
def test_a_body_of_random_weights_is_worse(name, case):
    body, other = body_of(name, case), body_of(name, case)
    other.initialise(7)
    for suite in suites(name, case.reference):
        before, after = (suite.told(each, "test", Silent()) for each in (body, other))
        lost = forgotten(suite, "test", before, after)
        assert lost.value > 0.2
        assert lost.low > 0.0
        assert all(value < 0.9 for value in suite.beside(body, other, Silent()).values())


@every_suite
def test_weights_that_changed_in_place_are_measured_anew(name, case):
    body = body_of(name, case)
    for suite in suites(name, case.reference):
        before = suite.told(body, "test", Silent())
    body.initialise(7)
    assert forgotten(suite, "test", before, suite.told(body, "test", Silent())).value > 0.2


@every_suite
def test_recalled_rows_are_training_rows_that_the_base_knows(name, case):
    kind = SUITES.get(name)
    if kind.recall is Suite.recall:
        pytest.skip("it holds no rows for levers")
    suite = suites(name, case.reference)[0]
    body, other = body_of(name, case), body_of(name, case)
    other.initialise(7)
    found = suite.recall(network_of(kind, body))
    assert found is not None
    rows = [0, 3, 5]
    assert found.lesson.weight(rows) > 0
    losses = []
    for each in (body, other):
        network = network_of(kind, each)
        batch = network.collate(found.samples.take(rows))
        losses.append(float(found.lesson.loss(network, batch, rows)) / found.lesson.weight(rows))
    assert 0.0 <= losses[0] < losses[1]


def network_of(kind: type[Suite], body: Any) -> Network:
    if kind.writes:
        return LanguageNetwork(body)
    head = LinearHead(np.zeros((5, body.card.width), np.float32), np.zeros(5, np.float32))
    return Network(body, head, Objective.SINGLE_LABEL, pair=False)


@every_suite
def test_what_it_cannot_read_is_refused_by_name(name, case):
    kind = SUITES.get(name)
    for bad, said in case.bad.items():
        with pytest.raises(RequestError, match=said) as caught:
            read_suites(bad, writes=kind.writes, modality=Modality.TEXT, progress=Silent())
        assert (caught.value.where or "").startswith("--retain")
        assert caught.value.mend
