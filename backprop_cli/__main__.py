"""Run as ``python -m backprop_cli``."""

import sys

from .cli.main import main

sys.exit(main())
