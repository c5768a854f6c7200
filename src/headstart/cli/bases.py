"""``headstart bases``: what there is to start from."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from headstart.cli import quiet, show
from headstart.cli.adapt import Json

if TYPE_CHECKING:
    from headstart.base.model import BaseCard

app = typer.Typer(no_args_is_help=True, help="What there is to start from: list, show.")


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
