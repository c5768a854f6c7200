"""One step of a lineage, as its card tells it: method, data, study, cost, score, forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

from headstart.web.lineage import listed, own_block
from headstart.web.words import Words

FACTS = ("method", "data", "study", "cost", "score", "forgetting")
_HOUR, _MINUTE = 3600.0, 60.0
_MOST = 10


def facts_in(card: Mapping[str, Any], words: Words) -> dict[str, str]:
    """Return what a card tells of how its model was made, by the ids of ``fact.*``.

    Cards are anybody's: what has not the form that headstart writes is shown as it is.
    """
    own = own_block(card)
    found = {
        "method": listed(own.get("method")),
        "data": _data(own.get("data"), card.get("datasets")),
        "study": _study(own, words),
        "cost": _cost(own.get("cost"), words),
        "score": _score(own.get("score"), words),
        "forgetting": _forgetting(own, words),
    }
    return {key: text for key, text in found.items() if text}


def _data(own: Any, named: Any) -> str:
    if isinstance(own, dict) and isinstance(own.get("name"), str):
        mark = own.get("fingerprint")
        told = f"{own['name']} ({mark[:12]})" if isinstance(mark, str) and mark else own["name"]
        return listed(told)
    return listed(own) or listed(named)


def _study(own: Mapping[str, Any], words: Words) -> str:
    if own.get("study") is not None:
        return listed(own["study"])
    if not isinstance(own.get("trial"), str):
        return ""
    trial = listed(own["trial"])[:16]
    return words("lineage.trial", trial=trial, seed=listed(own.get("seed")) or "–")


def _cost(cost: Any, words: Words) -> str:
    if not isinstance(cost, dict):
        return listed(cost)
    seconds, flop = _number(cost.get("seconds")), _number(cost.get("flop"))
    found = [] if seconds is None else [_duration(seconds, words)]
    if flop:
        found.append(f"{flop:.1e} FLOP".replace(".", words("decimal")))
    return ", ".join(found) or listed(cost)


def _duration(seconds: float, words: Words) -> str:
    for size, unit in ((_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{words.number(round(seconds / size, 1))} {unit}"
    return f"{words.number(round(seconds, 1))} s"


def _score(score: Any, words: Words) -> str:
    span = _span(score, words)
    return f"{listed(score.get('metric'))} {span}".strip() if span else listed(score)


def _forgetting(own: Mapping[str, Any], words: Words) -> str:
    told = own.get("forgotten", own.get("forgetting"))
    if told == []:
        return words("lineage.not-measured")
    if not isinstance(told, list):
        return listed(told)
    return "; ".join(_lost(one, words) for one in told[:_MOST])


def _lost(one: Any, words: Words) -> str:
    """Return a share that was forgotten, in percent: ``sts: 6.1% [4, 8]``."""
    if not isinstance(one, dict) or _span(one, words) == "":
        return listed(one)
    value, low, high = (round(100 * float(one[key]), 1) for key in ("value", "low", "high"))
    name = listed(one.get("suite"))
    return f"{name}: {words.span(value, low, high)} %" if name else words.span(value, low, high)


def _span(value: Any, words: Words) -> str:
    """Return a figure with its interval; "" of what is none."""
    if not isinstance(value, dict):
        return ""
    found = [_number(value.get(key)) for key in ("value", "low", "high")]
    known = [one for one in found if one is not None]
    return words.span(*known) if len(known) == len(found) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, str):  # YAML 1.1 knows no 1e16, as JSON writes it: it reads a text
        with suppress(ValueError):
            return _number(float(value[:40]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 and isfinite(value) else None
