"""``headstart adapt``, ``demo`` and ``report``: from data to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli import quiet, show
from headstart.cli.afar import remote
from headstart.cli.faults import command_line, remember
from headstart.cli.progress import watcher

if TYPE_CHECKING:
    from headstart.api import Study

Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the result as JSON, and nothing else.")
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="COL", help="Input column; twice for a text pair. \\[detected]"
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", metavar="COL", help="Target column. \\[detected]"),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="KIND",
        help="classification, regression, text-pair, token-classification, language-modeling "
        "or instruction. \\[detected]",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Where the study goes: study.json, report.html, best/, log.txt. "
        "\\[default: a new folder in headstart-runs/]",
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", metavar="", help="Go on with a study that was stopped; finished work stays."
    ),
]


def adapt(
    call: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table (.csv .tsv .jsonl .parquet), a folder of class folders with images or "
            "texts (also as .zip), a corpus (.txt .md, or a folder of them), or a "
            "[bold]datasets[/bold] set.",
            show_default=False,
        ),
    ],
    input: Input = None,
    target: Target = None,
    task: Kind = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            "--base",
            "-b",
            metavar="REF",
            help="Where to start, e.g. bundled:minilm-l6, timm:resnet18.a1_in1k, hf:org/name, "
            "local:folder; repeat to compare, or all for the bundled ones: of more than two the "
            "best are adapted. See: headstart bases list",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            metavar="NAME",
            help="How to adapt: probe, prototype, finetune, partial, gradual, lora, "
            "lora-top, scratch; language models: lora, qlora, rslora, dora, prompt, prefix, "
            "finetune, partial, scratch; repeat "
            "to compare. Cheap controls always run.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="AMOUNT",
            help="What the study may cost: 10min (the default), 2h, or 5e15flop "
            "(which gives the same decision every time).",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, metavar="N", help="Repeats of each winner.")
    ] = 3,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            metavar="",
            help="Measure score against number of labels, with bands.",
        ),
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What choices go by, e.g. accuracy, f1."),
    ] = None,
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule",
            metavar="NAME",
            help="How learning rates fall after their warm-up: cosine, linear or constant.",
        ),
    ] = "cosine",
    labels_per_class: Annotated[
        int | None,
        typer.Option(
            "--labels-per-class", min=1, metavar="N", help="Use only N training rows a class."
        ),
    ] = None,
    retain: Annotated[
        list[str] | None,
        typer.Option(
            "--retain",
            metavar="REF",
            help="What the base could do, measured before and after: a corpus, a labelled set, "
            "multiple-choice questions, an lm-eval task, or none; repeat for several. "
            r"\[language models: packaged:bbc-news]",
        ),
    ] = None,
    forget_at_most: Annotated[
        str | None,
        typer.Option(
            "--forget-at-most",
            metavar="SHARE",
            help="Adapt as much as possible while no more than this share of what is retained "
            "is lost, at 95% confidence: 2%.",
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE|URL|none",
            help="Where all studies keep their trials, so that none is paid for twice. "
            "\\[$HEADSTART_LEDGER, else a file of yours]",
        ),
    ] = None,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit",
            metavar="",
            help="Run what the planner left out too, and say what leaving it out cost.",
        ),
    ] = False,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", metavar="", help="Only say what it would take: time, operations, memory."
        ),
    ] = False,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="NAME",
            help="With --plan: will it fit on this GPU? A name (H100, rtx4090) or a size (24GB); "
            "it need not be here, nor the base's weights.",
        ),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option("--context", metavar="N", help="With --gpu: tokens of a text."),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            "--push",
            metavar="OWNER/NAME",
            help="Push the delivered model to the hub (HEADSTART_HUB, HF_TOKEN) as a draft.",
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            metavar="ID",
            help="Of the model, if one that was trained from nothing wins; else the base's holds.",
        ),
    ] = None,
    out: Out = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Adapt pre-trained models to DATA in several ways, compare them fairly, keep the best.

    [bold]Examples[/bold]

      headstart adapt reviews.csv

      headstart adapt reviews.csv --input text --target stars --budget 10min

      headstart adapt reviews.csv --plan

      headstart adapt book.txt --plan --gpu "RTX 4090" --base hf:org/name --context 4096

      headstart adapt photos/ --base timm:resnet18.a1_in1k --method probe --method lora

      headstart adapt reviews.csv --base hub:team/model@approved --push team/reviews
    """
    remember(call, out, resumable=not plan)
    if (gpu or context) and not plan:
        raise typer.BadParameter("--gpu and --context ask about a plan: give --plan, too")
    hub = None if push is None or plan else remote(push)  # refused now, not after the work
    from headstart import api

    asked: dict[str, Any] = {
        "input": input or None,
        "target": target,
        "task": task,
        "base": base or None,
        "method": method or None,
        "budget": budget,
        "seeds": seeds,
        "learning_curve": learning_curve,
        "metric": metric,
        "schedule": schedule,
        "labels_per_class": labels_per_class,
        "retain": retain or None,
        "forget_at_most": forget_at_most,
        "ledger": ledger,
    }
    with watcher(json) as progress, quiet.own_stdout():
        if plan:
            planned = api.plan(data, **asked, gpu=gpu, context=context, progress=progress)
        else:
            study = api.adapt(
                data,
                **asked,
                audit=audit,
                licence=licence,
                out=out,
                resume=resume,
                progress=progress,
                command=command_line(),
            )
    if plan:
        show.plan_as_json(planned) if json else show.plan(planned)
        return
    if hub is not None and push is not None:
        delivered = study.folder / "best"
        pushed = hub.push(delivered, push, message=study.record.decision.headline[:200])
        typer.echo(f"pushed as a draft: {pushed}", err=True)
    _finish(study, json)


def demo(
    context: typer.Context,
    which: Annotated[
        str,
        typer.Argument(
            metavar="[text|image|llm]",
            help="Emoji names, handwritten digits, or small talk for a language model.",
        ),
    ] = "text",
    out: Out = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Run the main job on packaged data and weights: no network, a few minutes.

    [bold]Examples[/bold]

      headstart demo

      headstart demo image --out digits
    """
    remember(context, out, resumable=True)
    if which not in ("text", "image", "llm"):
        raise typer.BadParameter(f"'{which}' is none of text, image, llm", param_hint="demo")
    from headstart import api

    with watcher(json) as progress, quiet.own_stdout():
        study = api.demo(which, out=out, resume=resume, progress=progress, command=command_line())
    _finish(study, json)


def report(
    context: typer.Context,
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="The folder of a study.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Write a study's report.html again, from what the study left."""
    remember(context, study)
    from headstart import api

    with quiet.own_stdout():
        page = api.rebuild_report(study)
    if json:
        show.as_json({"report": str(page)})
    else:
        typer.echo(page)


def _finish(study: Study, json: bool) -> None:
    if json:
        show.as_json(show.study_as_dict(study.record, study.folder))
    else:
        show.study(study.record, study.folder)
