"""``headstart hub``: an internal home for models, which the usual clients can use."""

from __future__ import annotations

import typer

from headstart.cli.hub import afar, gating, people, serving, upkeep

app = typer.Typer(
    no_args_is_help=True, help="A home for models that are checked: serve, token, team, list."
)
token = typer.Typer(no_args_is_help=True, help="Tokens: create, list, revoke.")
app.add_typer(token, name="token")

token.command("create")(people.create)
token.command("list")(people.list_)
token.command("revoke")(people.revoke)
app.command()(serving.serve)
app.command()(afar.push)
app.command()(afar.pull)
app.command("list")(afar.list_models)
app.command("show")(afar.show_model)
app.command()(gating.gate)
app.command("import")(gating.import_)
app.command()(gating.record)
app.command()(afar.approve)
app.command()(afar.retire)
app.command("revoke")(afar.revoke_model)
app.command()(upkeep.fsck)
app.command()(upkeep.gc)
app.command()(upkeep.pack)
app.command()(people.team)
