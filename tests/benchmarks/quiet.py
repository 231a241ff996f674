"""Was the machine ours alone while something was timed?"""

import os
from pathlib import Path

STAT = Path("/proc/stat")
DISTURBED = 0.05
"""Of the time measured: if others had more of a core than this share, the measurement is made again."""
PATIENCE = 60
"""As often as this; then what was measured counts all the same, and the table says how often."""


def cpu_seconds() -> float:
    """Seconds that all cores together have worked since the machine started; 0 where the system does not tell."""
    if not STAT.is_file():
        return 0.0
    user, nice, system, _idle, _wait, *rest = map(int, STAT.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
