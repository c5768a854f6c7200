"""The training loop: resume, the best weights, early stop, accumulation, and its guards."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch

from headstart.errors import WorkError
from headstart.task.model import Objective
from headstart.train.groups import Group, depth_groups
from headstart.train.guard import RATE_CUT, RETRIES, Ceiling
from headstart.train.lesson import Labels
from headstart.train.loss import Scale

from .toys import Killed, kill_at, recipe, same, trainer, weights

LABELS = [o for o in Objective if o not in (Objective.TAGS, Objective.TEXT)]


def gradual(network) -> list[Group]:
    """The head at once, a block more every third step."""
    head, *stack = depth_groups(network, decay=0.8)
    return [head, *(dataclasses.replace(g, from_step=3 * i) for i, g in enumerate(stack))]


def head_only(network) -> list[Group]:
    return [Group([network.head])]


# --- learning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", LABELS)
def test_training_learns_what_can_be_learnt(objective):
    subject = trainer(objective=objective, plan=recipe(steps=120, rate=0.03), rows=120)
    run = subject.fit()
    assert run.points[0].validation < 0.6
    assert subject.best[0] > 0.85


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [trainer(dropout=0.3, seed=seed) for seed in (0, 0, 1)]
    found = [(subject.fit().points, weights(subject.network)) for subject in runs]
    assert found[0][0] == found[1][0]
    assert same(found[0][1], found[1][1])
    assert not same(found[0][1], found[2][1])


def test_training_leaves_the_callers_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    subject = trainer(dropout=0.3)
    torch.set_rng_state(before)
    subject.fit()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_says_what_it_did():
    subject = trainer(plan=recipe(steps=12, evaluations=4))
    run = subject.fit()
    assert [point.step for point in run.points] == [0, 3, 6, 9, 12]
    assert run.points[0].loss is None
    assert all(point.loss > 0 for point in run.points[1:])
    assert run.points[-1].epoch == 12 / 4  # 30 rows, 8 a batch: 4 batches an epoch
    assert run.flop > 0
    assert run.peak_bytes > 0
    assert run.seconds > 0


def test_the_operations_of_a_run_are_the_same_every_time():
    assert trainer().fit().flop == trainer().fit().flop


def test_the_operations_grow_with_the_steps():
    short, long = (trainer(plan=recipe(steps=steps)).fit().flop for steps in (4, 8))
    assert long == pytest.approx(2 * short)  # both whole epochs


# --- resume -------------------------------------------------------------------------------------

CASES = {
    "dropout": {"dropout": 0.4},
    "unfreezing": {"groups": gradual, "dropout": 0.2},
    "batch norm": {"batch_norm": True, "plan": recipe(keep_statistics=False)},
    "class weights": {"plan": recipe(class_weighted=True)},
    "regression": {"objective": Objective.REAL},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dies_at", [1, 5, 6, 11])  # an epoch has 4 steps; 3, 6, 9 unfreeze
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, case, dies_at):
    whole = trainer(**CASES[case])
    expected = whole.fit()
    path = tmp_path / "checkpoint.pt"
    first = trainer(**CASES[case], checkpoint=path)
    kill_at(first, dies_at)
    with pytest.raises(Killed):
        first.fit()
    second = trainer(**CASES[case], checkpoint=path)
    found = second.fit()
    assert same(weights(second.network), weights(whole.network))
    assert found.points == expected.points
    assert found.flop == expected.flop
    assert found.peak_bytes == expected.peak_bytes


def test_a_run_killed_between_checkpoints_repeats_the_lost_steps(tmp_path):
    whole = trainer(dropout=0.4)
    expected = whole.fit()
    path = tmp_path / "checkpoint.pt"
    early = trainer(dropout=0.4, checkpoint=path)
    kill_at(early, 3)
    with pytest.raises(Killed):
        early.fit()
    late = trainer(dropout=0.4, checkpoint=path, save_every=math.inf)
    kill_at(late, 8)  # five steps on no disk
    with pytest.raises(Killed):
        late.fit()
    second = trainer(dropout=0.4, checkpoint=path)
    assert second.fit().points == expected.points
    assert same(weights(second.network), weights(whole.network))


def test_a_run_killed_at_every_step_ends_the_same(tmp_path):
    whole = trainer(dropout=0.4, groups=gradual)
    expected = whole.fit()
    path = tmp_path / "checkpoint.pt"
    for step in range(1, 12):
        subject = trainer(dropout=0.4, groups=gradual, checkpoint=path)
        kill_at(subject, step)
        with pytest.raises(Killed):
            subject.fit()
    last = trainer(dropout=0.4, groups=gradual, checkpoint=path)
    assert last.fit().points == expected.points
    assert same(weights(last.network), weights(whole.network))


def test_a_finished_run_is_not_trained_again(tmp_path):
    path = tmp_path / "checkpoint.pt"
    first = trainer(checkpoint=path)
    expected = first.fit()
    second = trainer(checkpoint=path)
    kill_at(second, 12)
    assert second.fit().points == expected.points
    assert same(weights(second.network), weights(first.network))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other"])
def test_a_damaged_checkpoint_starts_the_run_again(tmp_path, damage):
    expected = trainer(dropout=0.4).fit()
    path = tmp_path / "checkpoint.pt"
    first = trainer(dropout=0.4, checkpoint=path)
    kill_at(first, 5)
    with pytest.raises(Killed):
        first.fit()
    raw = path.read_bytes()
    middle = len(raw) // 2
    damaged = {
        "cut": raw[:middle],
        "flipped": raw[:middle] + bytes(255 - b for b in raw[middle : middle + 200])
        + raw[middle + 200 :],
        "empty": b"",
        "text": b"a text file",
    }  # fmt: skip
    if damage == "other":
        torch.save({"step": 3}, path)
    else:
        path.write_bytes(damaged[damage])
    again = trainer(dropout=0.4, checkpoint=path)
    assert again.fit().points == expected.points


def test_the_checkpoint_of_another_network_is_not_taken(tmp_path):
    path = tmp_path / "checkpoint.pt"
    other = trainer(groups=head_only, checkpoint=path)
    kill_at(other, 4)
    with pytest.raises(Killed):
        other.fit()
    assert trainer(checkpoint=path).fit().points == trainer().fit().points


# --- best and early stop ------------------------------------------------------------------------


def test_the_best_weights_are_kept_not_the_last():
    subject = trainer(plan=recipe(steps=12, evaluations=4))
    subject.validate.answers = [0.1, 0.5, 0.9, 0.4, 0.3]
    subject.fit()
    assert same(weights(subject.network), subject.validate.seen[2][1])
    assert not same(weights(subject.network), subject.validate.seen[4][1])


def test_the_start_is_kept_where_training_only_harms():
    subject = trainer()
    start = weights(subject.network)
    subject.validate.answers = [0.9, 0.5, 0.5, 0.5, 0.5]
    subject.fit()
    assert same(weights(subject.network), start)


def test_among_equal_scores_the_lower_loss_is_the_best():
    subject = trainer(plan=recipe(steps=40, rate=0.003))
    subject.validate.answers = [0.5]
    subject.fit()
    assert subject.best[1] > -1.2
    assert not same(weights(subject.network), subject.validate.seen[0][1])


def test_a_run_stops_when_validation_has_not_gained():
    subject = trainer(plan=recipe(steps=12, evaluations=6, patience=2))
    subject.validate.answers = [0.1, 0.6, 0.5, 0.4, 0.9]
    run = subject.fit()
    assert subject.step == 6
    assert run.points[-1].step == 6
    assert any("stopped early after 6 of 12 steps" in note for note in run.notes)


def test_an_early_stop_survives_a_kill(tmp_path):
    plan = recipe(steps=12, evaluations=12, patience=3)
    answers = [0.1, 0.2, 0.3, 0.6, 0.5, 0.4, 0.3, 0.9]
    path = tmp_path / "checkpoint.pt"
    first = trainer(plan=plan, checkpoint=path)
    first.validate.answers = answers
    kill_at(first, 3)
    with pytest.raises(Killed):
        first.fit()
    second = trainer(plan=plan, checkpoint=path)
    second.validate.answers = answers[4:]
    run = second.fit()
    assert second.step == 6
    assert [point.validation for point in run.points] == answers[:7]


def test_a_run_is_not_given_up_in_its_first_half():
    subject = trainer(plan=recipe(steps=12, evaluations=12, patience=2))
    subject.validate.answers = [
        0.9,
        0.5,
        0.4,
        0.3,
        0.2,
        0.95,
        0.96,
        0.97,
        0.98,
        0.99,
        1.0,
        1.0,
        1.0,
    ]
    subject.fit()
    assert subject.step == 12


# --- accumulation and memory --------------------------------------------------------------------


@pytest.mark.parametrize("objective", LABELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulation_is_the_large_batch(objective, weighted):
    plan = recipe(class_weighted=weighted)
    large = trainer(plan=plan, objective=objective)
    small = trainer(plan=plan, objective=objective, ceiling=Ceiling(20))
    expected, found = large.fit(), small.fit()
    assert len(small.network.encoder.asked) > 2 * len(large.network.encoder.asked)
    assert same(weights(small.network), weights(large.network), within=1e-5)
    losses = [(a.loss, b.loss) for a, b in zip(expected.points[1:], found.points[1:], strict=True)]
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in losses)


def test_gradients_of_pieces_add_up_to_the_batchs():
    found = []
    for units in (10_000, 20):
        subject = trainer(ceiling=Ceiling(units))
        subject._activate()
        loss = subject._accumulate(list(range(8)))
        found.append((loss, [p.grad.clone() for p in subject.network.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*(g for _, g in found), strict=True))


def fill_memory(subject, room: int, step: int) -> None:
    """From ``step`` on, no more than ``room`` units fit in memory."""
    take_step = subject._take_step

    def fuller() -> bool:
        if subject.step == step:
            subject.network.encoder.room = room
        return take_step()

    subject._take_step = fuller


def test_memory_that_runs_out_changes_the_pieces_not_the_training(tmp_path):
    path = tmp_path / "ceiling.json"
    subject = trainer(ceiling=Ceiling(64, path))
    fill_memory(subject, room=30, step=0)
    run = subject.fit()
    assert json.loads(path.read_text()) == subject.place.ceiling.units <= 30
    assert any("memory ran out" in note for note in run.notes)
    calm = trainer(ceiling=Ceiling(subject.place.ceiling.units))
    calm.fit()
    assert same(weights(subject.network), weights(calm.network), within=1e-5)


def test_a_step_repeated_for_memory_drops_out_what_a_smaller_ceilings_step_would():
    found = []
    for full in (True, False):
        subject = trainer(dropout=0.4)
        subject._begin()
        subject.place.ceiling.units = 32 if full else 16
        subject.network.encoder.room = 31 if full else None
        torch.manual_seed(2)
        subject._train_on(list(range(16)))
        assert subject.place.ceiling.units == 16
        found.append(weights(subject.network))
    assert same(*found)


def test_memory_that_runs_out_in_mid_run_changes_nothing_but_the_pieces():
    subject = trainer()
    fill_memory(subject, room=30, step=5)
    subject.fit()
    assert subject.place.ceiling.units <= 30
    calm = trainer()
    calm.fit()
    assert same(weights(subject.network), weights(calm.network), within=1e-5)


def test_a_remembered_ceiling_is_not_run_into_again(tmp_path):
    path = tmp_path / "ceiling.json"
    first = trainer(ceiling=Ceiling.remembered(64, path))
    first.network.encoder.room = 30
    first.fit()
    second = trainer(ceiling=Ceiling.remembered(64, path))
    second.network.encoder.room = 30
    assert second.fit().notes == []
    assert max(second.network.encoder.asked) <= 30


def test_one_input_too_large_for_the_memory_is_an_honest_failure():
    subject = trainer()
    subject.network.encoder.room = 4
    with pytest.raises(WorkError, match="out of memory with a single input"):
        subject.fit()


def test_an_error_that_is_not_memory_is_not_swallowed():
    subject = trainer()
    subject.network.encoder.forward = lambda batch: torch.ones(2, 3) @ torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="shapes"):
        subject.fit()


# --- losses that are no numbers -----------------------------------------------------------------


def nan_at(subject, steps: set[int], times: int) -> None:
    """Make the loss NaN at these steps, so many times each."""
    left = dict.fromkeys(steps, times)
    plain = subject._loss

    def spoilt(rows, total):
        loss = plain(rows, total)
        if left.get(subject.step, 0) > 0 and subject.measured:
            left[subject.step] -= 1
            return loss * float("nan")
        return loss

    measure = subject._measure

    def measured():
        subject.measured = False
        measure()
        subject.measured = True

    subject._loss, subject._measure = spoilt, measured


def test_a_loss_that_is_no_number_goes_back_to_the_best_weights_with_a_lower_rate():
    subject = trainer()
    subject.validate.answers = [0.2, 0.9, 0.5, 0.5, 0.5]
    nan_at(subject, {7}, times=1)
    back = []
    go_back = subject._back_to_best

    def watched():
        go_back()
        back.append((weights(subject.network), subject._rate()))

    subject._back_to_best = watched
    run = subject.fit()
    assert same(back[0][0], subject.validate.seen[1][1])  # of steps 0, 3, 6 the second
    assert subject.rate_scale == RATE_CUT
    assert run.points[-1].step == 12
    assert any("no number at step 7" in note for note in run.notes)
    calm = trainer().fit()
    assert run.points[-1].learning_rate == pytest.approx(RATE_CUT * calm.points[-1].learning_rate)


def test_the_lower_rate_survives_a_kill(tmp_path):
    path = tmp_path / "checkpoint.pt"
    whole = trainer(dropout=0.3)
    nan_at(whole, {4}, times=1)
    expected = whole.fit()
    first = trainer(dropout=0.3, checkpoint=path)
    nan_at(first, {4}, times=1)
    kill_at(first, 8)
    with pytest.raises(Killed):
        first.fit()
    second = trainer(dropout=0.3, checkpoint=path)
    assert second.fit().points == expected.points
    assert second.run.notes == expected.notes


def test_a_loss_that_stays_no_number_is_an_honest_failure():
    subject = trainer()
    nan_at(subject, {2}, times=99)
    with pytest.raises(WorkError, match=r"no number .* at step 2, also after 3 cuts"):
        subject.fit()
    assert subject.cuts == RETRIES + 1


@pytest.mark.parametrize("evaluations", [1, 12])  # seen first by the loss, or by validation
def test_an_absurd_rate_ends_in_an_honest_failure(evaluations):
    plan = recipe(rate=1e38, warmup=0.0, evaluations=evaluations)
    with pytest.raises(WorkError, match="no number"):
        trainer(plan=plan).fit()


def test_validation_that_is_no_number_goes_back_as_a_loss_does():
    subject = trainer()
    subject.validate.answers = [0.2, 0.5, float("nan"), 0.6, 0.7]
    run = subject.fit()
    assert [(point.step, point.validation) for point in run.points] == [
        (0, 0.2), (3, 0.5), (6, 0.6), (9, 0.7), (12, 0.7)
    ]  # fmt: skip
    assert subject.cuts == 1


def test_a_base_without_numbers_is_an_honest_failure():
    subject = trainer()
    subject.network.head.weight.data[0, 0] = float("nan")
    with pytest.raises(WorkError, match="before any training"):
        subject.fit()


# --- what is trained ----------------------------------------------------------------------------


def test_frozen_parts_do_not_change():
    subject = trainer(groups=lambda network: depth_groups(network, top=1), dropout=0.2)
    before = weights(subject.network)
    subject.validate.answers = [0.1, 0.2, 0.3, 0.4, 0.5]
    subject.fit()
    after = weights(subject.network)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("head.", "encoder.inner.layers.2.")) for name in changed)
    assert {name for name in after if name.startswith("head.")} <= changed


def test_frozen_blocks_have_no_dropout():
    subject = trainer(groups=head_only, dropout=0.9)
    subject._activate()
    rows = list(range(8))
    assert torch.equal(subject._loss(rows, 8.0), subject._loss(rows, 8.0))


@pytest.mark.parametrize("keep", [True, False])
def test_batch_norm_statistics_are_kept_where_asked(keep):
    subject = trainer(batch_norm=True, plan=recipe(keep_statistics=keep))
    before = weights(subject.network)
    subject.validate.answers = [0.1, 0.2, 0.3, 0.4, 0.5]
    subject.fit()
    after = weights(subject.network)
    names = [name for name in before if "running_mean" in name]
    assert names
    assert all(torch.equal(before[name], after[name]) is keep for name in names)


def test_measuring_a_step_trains_nothing():
    subject = trainer(batch_norm=True, dropout=0.5, plan=recipe(keep_statistics=False))
    before, drawn = weights(subject.network), torch.get_rng_state()
    subject._activate()
    assert subject.flop_per_unit > 0
    assert same(weights(subject.network), before)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(p.grad is None for p in subject.network.parameters())


def test_blocks_are_unfrozen_when_their_step_comes():
    subject = trainer(groups=gradual)
    start = weights(subject.network)
    moved: dict[str, int] = {}
    train_on = subject._train_on

    def watched(rows):
        done = train_on(rows)
        for name, value in subject.network.named_parameters():
            if not torch.equal(value, start[name]):
                moved.setdefault(name, subject.step)
        return done

    subject._train_on = watched
    subject.fit()
    first = {
        part: min(step for name, step in moved.items() if name.startswith(part))
        for part in ("head", *(f"encoder.inner.layers.{i}" for i in range(3)), "encoder.inner.emb")
    }
    assert list(first.values()) == [0, 6, 3, 0, 9]


def test_rates_follow_the_schedule_and_each_groups_factor():
    subject = trainer(groups=lambda network: depth_groups(network, decay=0.5))
    used = []
    train_on = subject._train_on

    def watched(rows):
        done = train_on(rows)
        used.append([group["lr"] for group in subject.optimizer.param_groups])
        return done

    subject._train_on = watched
    subject.fit()
    assert used[0][0] == pytest.approx(0.02)  # 12 steps, a tenth of them: one step of warm-up
    assert used[-1][0] < 0.02 * 0.05
    assert all(r == pytest.approx([r[0], r[0], r[0] / 2, r[0] / 4, r[0] / 8]) for r in used)


def test_class_weights_let_a_rare_class_be_heard():
    def share(weighted: bool) -> float:
        subject = trainer(plan=recipe(class_weighted=weighted, steps=1, warmup=0.0))
        part = subject.lesson.part
        part.targets[:] = 0
        part.targets[:3] = 1
        subject.lesson = Labels(part, Objective.SINGLE_LABEL, Scale(), 3 if weighted else 0)
        subject._activate()
        subject._accumulate(list(range(30)))
        return float(subject.network.head.bias.grad[1])

    assert share(True) < share(False)  # pushed up harder


def test_the_network_is_left_in_evaluation_mode():
    subject = trainer(dropout=0.5)
    subject.fit()
    assert not any(module.training for module in subject.network.modules())
