"""Run as ``python -m backprop_cli``."""

import os
import sys

# Python looks in the current folder first, whose files may be called as one of our libraries
if sys.path[0] == os.getcwd() != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]

from .cli.main import main

sys.exit(main())
