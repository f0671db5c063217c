"""Entry point of `python -m podres_exporter`, which is the same as `podres-exporter`."""

import sys

from podres_exporter.cli import main

sys.exit(main())
