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
        "lineage": "headstart.hub.gate.checks.lineage:LineageCheck",
        "seeds": "headstart.hub.gate.checks.seeds:Seeds",
        "load": "headstart.hub.gate.checks.load:Load",
        "predictions": "headstart.hub.gate.checks.predictions:Predictions",
        "export": "headstart.hub.gate.checks.export:Export",
        "latency": "headstart.hub.gate.checks.latency:Latency",
        "tasks": "headstart.hub.gate.checks.tasks:Tasks",
        "incumbent": "headstart.hub.gate.checks.incumbent:Incumbent",
        "forgetting": "headstart.hub.gate.checks.forgetting:Forgetting",
    },
    group="headstart.gate_checks",
)
