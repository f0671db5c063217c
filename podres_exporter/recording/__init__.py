"""
Recordings: the raw answers of all sources at one moment, as a file for bug reports (`podres-recording/v1`).

`records` defines the contents, `file` reads and writes them, `pseudonyms` hides names.
"""

from podres_exporter.recording.pseudonyms import Pseudonyms
from podres_exporter.recording.records import Call, Recording, Refusal

__all__ = ["Call", "Pseudonyms", "Recording", "Refusal"]
