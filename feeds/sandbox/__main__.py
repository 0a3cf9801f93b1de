"""Start the sandbox exchange, or switch faults and scenarios on in one that runs.

python -m feeds.sandbox --port 8051 --seed 1
python -m feeds.sandbox fault /mds/vehicles/status stale --for 120
python -m feeds.sandbox clear
python -m feeds.sandbox scenario list
python -m feeds.sandbox scenario start snow
python -m feeds.sandbox scenario stop
python -m feeds.sandbox feed-file --base http://127.0.0.1:8051
"""

from __future__ import annotations

import sys

from feeds.sandbox.server import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
