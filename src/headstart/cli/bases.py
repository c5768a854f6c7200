"""``headstart bases``: what there is to start from."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from headstart.cli import quiet, show
from headstart.cli.adapt import Input, Json, Kind, Target
from headstart.cli.faults import remember
from headstart.cli.progress import watcher

if TYPE_CHECKING:
    from headstart.base.model import BaseCard
    from headstart.study.ranking import RankedBases

app = typer.Typer(
    no_args_is_help=True, help="What there is to start from: list, show, and rank for your data."
)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the bases that are known here without a network."""
    from headstart import api

    with quiet.own_stdout():
        cards = api.bases()
    if json:
        show.as_json([_as_dict(card) for card in cards])
        return
    from headstart.report.units import parameters_text

    console = show.console()
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("reference", no_wrap=True)
    table.add_column("input")
    table.add_column("architecture", overflow="fold")
    for name in ("parameters", "width", "reads"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("licence")
    for card in cards:
        table.add_row(
            Text(card.reference),
            str(card.modality),
            Text(card.architecture),
            parameters_text(card.parameters),
            str(card.width),
            _reads(card),
            Text(card.licence),
        )
    console.print(table)
    console.print(
        "also: hf:org/name[@revision], timm:NAME, torchvision:NAME/WEIGHTS, local:FOLDER",
        markup=False,
        style="dim",
    )


@app.command("show")
def show_(
    reference: Annotated[
        str,
        typer.Argument(metavar="REF", help="E.g. bundled:minilm-l6.", show_default=False),
    ],
    json: Json = False,
) -> None:
    """Show one base: parameters, licence, where its weights come from, its speed here."""
    from headstart import api

    with quiet.own_stdout():
        card = api.base_card(reference)
        speed = api.base_speed(reference)
    if json:
        show.as_json({**_as_dict(card), "samples_per_second": speed})
        return
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(card, speed):
        table.add_row(Text(name, style="bold"), Text(value))
    show.console().print(table)


@app.command("rank")
def rank(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="As for [bold]headstart adapt[/bold].", show_default=False
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
            help="A base to rank; repeat. \\[all bundled ones that read such data]",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Order bases for DATA in seconds: transferability scores on a subsample, no training.

    [bold]Examples[/bold]

      headstart bases rank reviews.csv

      headstart bases rank photos/ --base timm:resnet18.a1_in1k --base bundled:efficientnet-lite0
    """
    remember(context, None)
    from headstart import api

    with watcher(json) as progress, quiet.own_stdout():
        found = api.rank_bases(
            data,
            input=input or None,
            target=target,
            task=task,
            base=base or None,
            progress=progress,
        )
    if json:
        show.as_json(_ranked_as_dict(found))
    else:
        _show_ranking(found)


def _ranked_as_dict(found: RankedBases) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "judged_by": found.ranking.judged_by,
        "agreement": {"tau": found.ranking.agreement.tau, "words": found.ranking.agreement.words},
        "refused": found.refused,
        "bases": [
            {
                "base": ranked.base,
                "combined": ranked.combined,
                "tie_with_first": ranked.tie_with_first,
                "standard_error": ranked.standard_error,
                "scores": dict(ranked.scores),
                "seconds": found.seconds[ranked.base],
                "flop": found.flop[ranked.base],
            }
            for ranked in found.ranking.bases
        ],
    }


def _show_ranking(found: RankedBases) -> None:
    console, ranking = show.console(), found.ranking
    names = list(dict.fromkeys(name for ranked in ranking.bases for name in ranked.scores))
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("base", no_wrap=True)
    for name in [*names, "beats", "time"]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for place, ranked in enumerate(ranking.bases, 1):
        values = [f"{ranked.scores[name]:.3f}" if name in ranked.scores else "–" for name in names]
        tie = "tie with the first" if ranked.tie_with_first and place > 1 else ""
        table.add_row(
            str(place),
            Text(ranked.base),
            *values,
            f"{100 * ranked.combined:.0f}%",
            f"{found.seconds[ranked.base]:.1f} s",
            tie,
        )
    console.print(table)
    words = ranking.agreement.words
    for line in (
        f"All were shown the same {found.rows:,} training rows.",
        f"{words[:1].upper()}{words[1:]}.",
        '"beats" is the share of the others that a base is better than, by all scores together.',
    ):
        console.print(line, markup=False, highlight=False)
    for name, why in found.refused.items():
        console.print(f"{name}: not counted, {why}", markup=False, style="dim")
    first = ranking.bases[0].base
    console.print(f"next    headstart adapt DATA --base {first}", markup=False, style="dim")


def _facts(card: BaseCard, speed: float) -> list[tuple[str, str]]:
    from headstart.report.units import parameters_text

    return [
        ("reference", card.reference),
        ("revision", card.revision),
        ("input", f"{card.modality}, {_reads(card)}"),
        ("architecture", card.architecture),
        ("parameters", f"{parameters_text(card.parameters)} ({card.parameters:,})"),
        ("embedding width", str(card.width)),
        ("licence", card.licence),
        ("weights", card.source + ("" if card.pretrained else " (random: nothing to transfer)")),
        ("speed here", f"{speed:,.0f} samples/s"),
        ("use it", f"headstart adapt DATA --base {card.reference}"),
    ]


def _reads(card: BaseCard) -> str:
    return f"{card.input_size} {'px' if card.modality == 'image' else 'tokens'}"


def _as_dict(card: BaseCard) -> dict[str, Any]:
    return {**asdict(card), "modality": str(card.modality)}
