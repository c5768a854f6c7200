"""``--forget-at-most``: a share of what the base could do."""

from __future__ import annotations

from headstart.errors import RequestError


def parse_limit(text: str | float | None) -> float | None:
    """Return e.g. 0.02 for "2%" or 0.02; None for None.

    Raises:
        RequestError: It is no share between 0 and 100%.
    """
    if text is None:
        return None
    told = str(text).strip()
    try:
        value = float(told.removesuffix("%")) / (100.0 if told.endswith("%") else 1.0)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value < 1.0:
        raise RequestError(
            f"'{told}' is no share of what the base could do",
            where="--forget-at-most",
            mend="name e.g. 2%",
        )
    return value
