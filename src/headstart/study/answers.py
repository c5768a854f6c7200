"""What the delivered model answers to a few test prompts, next to the base as it is."""

from __future__ import annotations

import logging
from typing import cast

from headstart.base.decoder import Decoder
from headstart.errors import HeadstartError
from headstart.measure.compare import Comparison, compare
from headstart.measure.interval import bootstrap
from headstart.measure.score import ANSWERS
from headstart.method.adapted import Signature, load_model
from headstart.method.generate import Answer, Writing, room
from headstart.method.speaker import SpeakerModel
from headstart.study.decide import Standing, Verdict
from headstart.study.evidence import AnswerScore, AnswersRecord, WrittenRecord
from headstart.study.scores import DIGITS, score_record
from headstart.study.trial import Context
from headstart.study.words import plural
from headstart.task.model import Dialogue, Kind, Objective, Part

ROWS = 32  # test rows that are answered
TOKENS = 64  # of an answer, at most
log = logging.getLogger(__name__)


def answers_of(context: Context, verdict: Verdict) -> AnswersRecord | None:
    """Let the delivered model and the untouched base answer test prompts; score both.

    Call it after the decision and the delivery: it chooses nothing. None for tasks without
    prompts; a failure is said and costs the study nothing else.
    """
    if context.task.kind is not Kind.INSTRUCTION:
        return None
    try:
        return _answered(context, verdict.delivered)
    except Exception as error:  # whatever a library raises
        said = error.what if isinstance(error, HeadstartError) else f"{type(error).__name__}"
        log.debug("answers failed", exc_info=True)
        context.progress.say(f"answers to test prompts could not be written: {said}")
        return None


def _answered(context: Context, standing: Standing) -> AnswersRecord | None:
    bench = standing.arm.bench
    model = load_model(context.store.folder / "best")
    assert isinstance(model, SpeakerModel)
    assert bench is not None
    base = SpeakerModel(Signature.of(context.task), cast(Decoder, bench.pristine))
    part = drawn_rows(context.task.test, base.decoder)
    if not len(part):
        return None
    told = f"answers of {standing.record.name} and of the base to {plural(len(part), 'test row')}"
    context.progress.say(told)
    delivered = _written(context, model, part)
    own = standing.record.method == "untouched"
    untouched = None if own else _written(context, base, part)
    return answers_record(standing.record.name, part, delivered, untouched)


def drawn_rows(test: Part, decoder: Decoder) -> Part:
    """Return a few rows by their content, whatever their order; none too long for an answer."""
    order = sorted(range(len(test)), key=lambda row: (test.ids[row], row))
    found: list[int] = []
    for row in order:
        if len(found) == ROWS:
            break
        if _fits(decoder, cast(Dialogue, test.inputs[row])):
            found.append(row)
    return test.take(found)


def _fits(decoder: Decoder, dialogue: Dialogue) -> bool:
    try:
        return room(decoder, decoder.prompt_ids(dialogue), TOKENS) == TOKENS
    except HeadstartError:
        return False


def _written(context: Context, model: SpeakerModel, part: Part) -> list[Answer]:
    return model.answers(list(part.inputs), Writing(TOKENS), context.progress)


def answers_record(
    name: str, part: Part, delivered: list[Answer], untouched: list[Answer] | None
) -> AnswersRecord:
    """Return the answers with their scores.

    Args:
        name: Of the delivered arm.
        part: N rows that were answered.
        delivered: N answers.
        untouched: N answers of the base; None where it is what was delivered.
    """
    dialogues = [cast(Dialogue, one) for one in part.inputs]
    texts = [[one.text.strip() for one in side or []] for side in (delivered, untouched)]
    references = [dialogue.answer for dialogue in dialogues]
    return AnswersRecord(
        delivered=name,
        max_tokens=TOKENS,
        ended=sum(one.ended for one in delivered),
        untouched_ended=None if untouched is None else sum(one.ended for one in untouched),
        scores=[_score(metric, references, texts[0], texts[1]) for metric in ANSWERS],
        rows=[
            WrittenRecord(
                origin=part.origins[row],
                prompt="\n\n".join(one.content for one in dialogue.prompt),
                reference=references[row],
                delivered=texts[0][row],
                untouched=None if untouched is None else texts[1][row],
            )
            for row, dialogue in enumerate(dialogues)
        ],
    )


def _score(metric: str, references: list[str], first: list[str], second: list[str]) -> AnswerScore:
    """Return the scores of both, and their paired comparison; ``second`` may be empty."""
    one, other = (
        score_record(bootstrap(Objective.TEXT, (), references, [texts], metric)) if texts else None
        for texts in (first, second)
    )
    assert one is not None
    found: Comparison | None = None
    if second:
        found = compare(Objective.TEXT, (), references, [first], [second], metric)
    return AnswerScore(
        metric=metric,
        delivered=one,
        untouched=other,
        difference=None if found is None else score_record(found.difference),
        p_value=None if found is None else round(found.p_value, DIGITS),
        verdict=None if found is None else found.verdict,
    )
