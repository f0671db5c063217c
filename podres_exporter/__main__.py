"""`python -m podres_exporter` is `podres-exporter`."""

import sys

from podres_exporter.cli import main

sys.exit(main())
