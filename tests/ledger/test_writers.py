"""Many writers at once, and writers that are killed: nothing is lost, nothing doubled."""

from __future__ import annotations

import random

import pytest

from headstart.ledger.ledger import Ledger

from .helpers import Writer, together

pytestmark = pytest.mark.slow
WRITERS, TRIALS, KILLS = 8, 12, 8


def test_eight_processes_on_a_fresh_database_lose_and_double_nothing(url: str) -> None:
    names = [f"w{number}" for number in range(WRITERS)]

    said = together(*((url, str(TRIALS), name) for name in names))

    added = [line for lines in said for line in lines if not line.startswith("not ")]
    own = {f"{name}-{number}" for name in names for number in range(TRIALS)}
    shared = {f"shared-{number}" for number in range(TRIALS)}
    assert sorted(added) == sorted(own | shared)  # each of the shared ones by one writer
    with Ledger.open(url) as ledger:
        assert ledger.totals().trials == len(own | shared)
        assert ledger.totals().tasks == 1
        for name, lines in zip(names, said, strict=True):
            for key in (line for line in lines if not line.startswith("not ")):
                known = ledger.trial(key)
                assert known is not None
                assert (known.user, known.record) == (name, {"by": name})
                assert known.predictions == {"test": f"{name} {key}".encode() * 50}


def test_many_open_a_fresh_database_at_once(url: str) -> None:
    assert together(*((url, "0", f"w{number}") for number in range(6))) == [[]] * 6
    with Ledger.open(url) as ledger:
        assert ledger.totals().tasks == 1


def test_what_a_killed_writer_said_is_there_and_the_database_opens(url: str) -> None:
    moments, said = random.Random(11), []
    for number in range(KILLS):
        writer = Writer(url, "100000", f"w{number}")
        writer.go()
        said += [writer.line() for _ in range(moments.randrange(1, 120))]
        said += writer.kill()

        with Ledger.open(url) as ledger:
            for key in (line.removeprefix("not ") for line in said):
                known = ledger.trial(key)
                assert known is not None, key
                name = known.user
                assert known.predictions == {"test": f"{name} {key}".encode() * 50}
            added = [line for line in said if not line.startswith("not ")]
            # At most the trial that each was about to tell of.
            assert len(added) <= ledger.totals().trials <= len(added) + number + 1
