"""The decision: a tie is a tie and goes to the cheaper, a real difference is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.errors import WorkError
from headstart.study.advice import advise
from headstart.study.arm import Arm
from headstart.study.decide import Verdict, decide
from headstart.study.record import DecisionRecord
from headstart.study.trial import Context, Trial, failed, skipped
from headstart.study.verdict import decision_record

from .helpers import context_of, made_arm, text_task, wrong_at

NAMES = ("validation", "test")


def said(context: Context, verdict: Verdict, arms: list[Arm]) -> DecisionRecord:
    return decision_record(context, verdict, advise(context, verdict, arms, []))


def noisy(size: int, wrong: float, seed: int) -> np.ndarray:
    """Return predictions of which a random share is wrong."""
    rows = np.random.default_rng(seed).permutation(size)[: round(wrong * size)]
    return wrong_at(size, rows.tolist())


def test_two_methods_that_differ_by_noise_are_tied_and_the_cheaper_is_delivered(
    tmp_path: Path,
) -> None:
    context = context_of(tmp_path, text_task(400, 400), seeds=3)
    arms = [
        made_arm(context, "finetune", 1e12, [noisy(400, 0.1, seed) for seed in (1, 2, 3)]),
        made_arm(context, "probe", 1e9, [noisy(400, 0.11, seed) for seed in (4, 5, 6)]),
        made_arm(context, "majority", 0.0, [np.full((400, 2), 0.5)]),
    ]
    verdict = decide(context, arms)
    decision = said(context, verdict, arms)
    assert {c.verdict for c in verdict.comparisons if c.second == "finetune"} == {"tie"}
    assert decision.arm == "probe"
    assert {key.split("-")[0] for key in decision.ties} == {"finetune", "probe"}
    assert decision.headline.startswith("Frozen features are enough: probe")
    assert "cannot be told from it by a paired test on 400 validation rows" in decision.why
    assert decision.alternatives.cheapest_tie == decision.key


@pytest.mark.parametrize("seed", range(5))
def test_methods_with_the_same_chance_of_an_error_are_tied(tmp_path: Path, seed: int) -> None:
    context = context_of(tmp_path, text_task(300, 300))
    arms = [
        made_arm(context, "lora", 1e12, [noisy(300, 0.2, 10 * seed)]),
        made_arm(context, "probe", 1e9, [noisy(300, 0.2, 10 * seed + 1)]),
    ]
    assert {c.verdict for c in decide(context, arms).comparisons} == {"tie"}


def test_a_planted_difference_is_found(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(400, 400), seeds=3)
    arms = [
        made_arm(context, "finetune", 1e12, [noisy(400, 0.05, seed) for seed in (1, 2, 3)]),
        made_arm(context, "probe", 1e9, [noisy(400, 0.15, seed) for seed in (4, 5, 6)]),
        made_arm(context, "tfidf", 1e6, [noisy(400, 0.2, 7)]),
    ]
    verdict = decide(context, arms)
    decision = said(context, verdict, arms)
    assert {(c.second, c.part): c.verdict for c in verdict.comparisons} == {
        (name, part): "better" for name in ("probe", "tfidf") for part in NAMES
    }
    assert decision.headline.startswith("Use finetune (accuracy on the test rows: 95.0% [")
    assert decision.ties == [decision.key]
    assert "tells it from every other arm" in decision.why
    assert "points" in decision.why
    assert "better than probe" in decision.why


def test_a_control_that_is_as_good_is_delivered_and_said_so(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(1000, 1000))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(1000, range(20))]),
        made_arm(context, "probe", 1e9, [wrong_at(1000, range(5, 24))]),
    ]
    decision = said(context, verdict := decide(context, arms), arms)
    assert verdict.undecided is None
    assert decision.headline.startswith(
        "Transfer did not help here: tfidf is as good as the best adapted model"
    )
    assert "probe, the best adapted model, costs more and gains nothing" in decision.why


def test_a_control_that_is_better_beats_the_best_adapted_model(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(400, 400))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(400, range(10))]),
        made_arm(context, "scratch", 1e9, [wrong_at(400, range(11))]),
        made_arm(context, "probe", 1e9, [wrong_at(400, range(100))]),
    ]
    headline = said(context, decide(context, arms), arms).headline
    assert headline.startswith("Transfer did not help here: tfidf beats the best adapted model")


@pytest.mark.parametrize("rows", [4, 40])
def test_too_few_validation_rows_do_not_show_that_transfer_does_not_help(
    tmp_path: Path, rows: int
) -> None:
    context = context_of(tmp_path, text_task(rows, 400))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(rows, [0])], [wrong_at(400, range(60))]),
        made_arm(context, "probe", 1e9, [wrong_at(rows)], [wrong_at(400, range(20))]),
    ]
    decision = said(context, decide(context, arms), arms)
    assert decision.headline.startswith(
        f"Not decided: {rows} validation rows cannot tell probe from tfidf (difference +"
    )
    assert "Transfer did not help" not in decision.headline + decision.why
    assert decision.arm == "probe"  # the best on validation, not the cheapest
    assert decision.alternatives.cheapest_tie == "tfidf-0"
    assert "cost alone did not decide" in decision.why


def test_a_control_that_leads_on_few_rows_is_delivered(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(15, 400))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(15, [0])], [wrong_at(400, range(60))]),
        made_arm(context, "probe", 1e9, [wrong_at(15, range(4))], [wrong_at(400, range(60))]),
    ]
    assert said(context, decide(context, arms), arms).arm == "tfidf"


def test_a_large_difference_is_not_given_up_for_a_lower_cost(tmp_path: Path) -> None:
    """Six of a hundred rows more right: p = 0.06 by McNemar's test, a tie that may hide a gain."""
    context = context_of(tmp_path, text_task(100, 400))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(100, range(6))], [wrong_at(400, range(9))]),
        made_arm(context, "probe", 1e9, [wrong_at(100, [8])], [wrong_at(400, range(9))]),
    ]
    verdict = decide(context, arms)
    assert verdict.delivered.record.name == "probe"
    assert verdict.undecided is not None
    assert verdict.undecided.record.name == "tfidf"


def test_the_rows_that_would_decide_follow_from_the_width_of_the_interval(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(100, 400))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(100, range(30))], [wrong_at(400)]),
        made_arm(context, "probe", 1e9, [wrong_at(100, range(20, 48))], [wrong_at(400)]),
    ]
    verdict = decide(context, arms)
    assert verdict.undecided is not None
    found = verdict.between(verdict.delivered, verdict.undecided, "validation")
    assert found is not None
    half = (found.difference.high - found.difference.low) / 2
    sentence = said(context, verdict, arms).advice[0]
    words = sentence.replace(",", "").split()
    needed, more = int(words[words.index("about") + 1]), int(words[words.index("more", 5) - 1])
    assert needed == pytest.approx(100 * (half / 0.02) ** 2, rel=0.1)
    assert more == needed - 100
    assert "to within 2 points" in sentence


def test_what_ignores_the_input_is_delivered_only_if_it_is_itself_the_best(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(20, 20))
    majority = made_arm(context, "majority", 0.0, [wrong_at(20, range(6))])
    probe = made_arm(context, "probe", 1e9, [wrong_at(20, range(5))])
    verdict = decide(context, [majority, probe])
    assert verdict.comparisons[0].verdict == "tie"
    decision = said(context, verdict, [majority, probe])
    assert decision.arm == "probe"
    assert decision.ties == ["probe-0"]
    assert "cannot tell probe from always giving the commonest answer" in decision.why
    worse = made_arm(context, "probe", 1e9, [wrong_at(20, range(9))])
    assert decide(context, [majority, worse]).best.record.name == "majority"


def test_a_control_that_is_missing_is_named_with_the_reason(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task())
    scratch, tfidf = (made_arm(context, name, 1.0, []) for name in ("scratch", "tfidf"))
    scratch.trials.append(skipped(Trial(scratch.method, None, {}, 0), "s", "no budget was left"))
    tfidf.trials.append(
        failed(Trial(tfidf.method, None, {}, 0), "t", ValueError("empty vocabulary"))
    )
    arms = [scratch, tfidf, made_arm(context, "probe", 1e9, [wrong_at(200)])]
    reasons = said(context, decide(context, arms), arms).reasons
    missing = "and is missing from the comparison"
    assert f"The control scratch was skipped {missing}: no budget was left." in reasons
    assert f"The control tfidf failed {missing}: ValueError: empty vocabulary." in reasons


def test_that_only_controls_finished_is_no_verdict_on_transfer(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task())
    control = made_arm(context, "tfidf", 1.0, [wrong_at(200)])
    assert said(context, decide(context, [control]), []).headline.startswith("Only controls were")
    probe = made_arm(context, "probe", 1.0, [])
    probe.trials.append(failed(Trial(probe.method, None, {}, 0), "p", ValueError("broken")))
    headline = said(context, decide(context, [control, probe]), []).headline
    assert headline.startswith("No adapted model could be made; tfidf is the best of the controls")


def test_that_the_test_rows_contradict_the_choice_is_said_and_changes_nothing(
    tmp_path: Path,
) -> None:
    context = context_of(tmp_path, text_task(1000, 1000))
    arms = [
        made_arm(context, "tfidf", 1e6, [wrong_at(1000, range(9))], [wrong_at(1000, range(90))]),
        made_arm(context, "probe", 1e9, [wrong_at(1000, range(8))], [wrong_at(1000, range(9))]),
    ]
    decision = said(context, decide(context, arms), arms)
    assert decision.arm == "tfidf"
    assert "on the test rows probe is 8.1 points" in decision.headline
    assert "Transfer did not help" not in decision.headline
    assert "The choice is not changed after the fact" in decision.why


def test_where_nothing_finished_the_error_gives_every_reason_and_names_the_log(
    tmp_path: Path,
) -> None:
    context = context_of(tmp_path, text_task())
    arms = [made_arm(context, name, 1.0, []) for name in ("probe", "tfidf")]
    for arm in arms:
        trial = Trial(arm.method, None, {}, 0)
        arm.trials.append(failed(trial, "k", ValueError(f"{arm.method.name} broke")))
    with pytest.raises(WorkError) as caught:
        decide(context, arms)
    assert "ValueError: probe broke; ValueError: tfidf broke" in caught.value.what
    assert caught.value.where == str(tmp_path / "log.txt")
    assert "--resume" in str(caught.value.mend)


def test_the_delivered_model_is_the_seed_that_did_best_on_validation(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(), seeds=3)
    runs = [wrong_at(200, range(count)) for count in (9, 3, 6)]
    arm = made_arm(context, "finetune", 1e9, runs)
    assert said(context, decide(context, [arm]), [arm]).key == "finetune-1"


def test_few_seeds_are_called_few(tmp_path: Path) -> None:
    for seeds in (2, 3):
        context = context_of(tmp_path, text_task(), seeds=seeds)
        arm = made_arm(context, "finetune", 1e9, [wrong_at(200, [n]) for n in range(seeds)])
        few = "repeated over 2 seeds only" in said(context, decide(context, [arm]), [arm]).why
        assert few is (seeds == 2)


def test_a_lead_over_the_control_is_not_given_up_for_its_price(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(1000, 1000))
    arms = [
        made_arm(context, "lora", 1e12, [wrong_at(1000, range(60))]),
        made_arm(context, "probe", 1e9, [wrong_at(1000, range(1, 62))]),
        made_arm(context, "tfidf", 1e6, [wrong_at(1000, range(500, 575))]),
    ]
    verdict = decide(context, arms)
    decision = said(context, verdict, arms)
    assert decision.arm == "probe"
    assert decision.headline.startswith("Not decided: 1,000 validation rows cannot tell probe from")
    assert "cost alone did not decide" in decision.why


def test_a_lead_of_less_than_a_point_is(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task(1000, 1000))
    arms = [
        made_arm(context, "probe", 1e9, [wrong_at(1000, range(60))]),
        made_arm(context, "tfidf", 1e6, [wrong_at(1000, range(500, 568))]),
    ]
    decision = said(context, decide(context, arms), arms)
    assert decision.arm == "tfidf"
    assert decision.headline.startswith("Transfer did not help here")
