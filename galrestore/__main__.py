"""Entry point of ``python -m galrestore``."""

import sys

from galrestore.cli import main

if __name__ == "__main__":
    sys.exit(main())
