"""The checks of the gate: one file a check, one line here."""

from __future__ import annotations

from headstart.hub.gate.model import Check
from headstart.registry import Registry

CHECKS: Registry[type[Check]] = Registry(
    "check",
    {
        "formats": "headstart.hub.gate.checks.formats:Formats",
        "pickle": "headstart.hub.gate.checks.pickled:Pickled",
        "configuration": "headstart.hub.gate.checks.configuration:Configuration",
        "templates": "headstart.hub.gate.checks.templates:Templates",
        "licence": "headstart.hub.gate.checks.licence:Licence",
        "card": "headstart.hub.gate.checks.card:Card",
        "size": "headstart.hub.gate.checks.size:Size",
    },
    group="headstart.gate_checks",
)
