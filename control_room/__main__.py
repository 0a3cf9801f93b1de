"""`python -m control_room`."""

import sys

from control_room.cli import main

if __name__ == "__main__":
    sys.exit(main())
