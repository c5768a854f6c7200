"""torchvision and transformers import whatever torch they were built for."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import logging, sys
records = []
class Keep(logging.Handler):
    def emit(self, record): records.append(record.getMessage())
logging.getLogger("headstart").addHandler(Keep())
from headstart.base.compat import prepare_torchvision
prepare_torchvision(); prepare_torchvision()
import torchvision
from transformers import LlamaConfig
from torchvision.transforms import Resize
assert torchvision.models.resnet18
assert len(records) == (0 if torchvision.extension._has_ops() else 1), records
"""


def test_in_a_fresh_process_torchvision_imports_and_it_is_said_at_most_once():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
