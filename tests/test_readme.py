"""What the README shows must work as written."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_import_example_runs_and_prints_what_it_says():
    (example,) = re.findall(r"<!-- example -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    printed = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True).stdout
    certified, looseness = map(float, printed.split())
    assert certified > 0.99
    assert looseness > 1
