"""
What the sources said at one moment, as a file for bug reports, and back: `podres-recording/v1`.

records says what is kept; file writes and reads it; pseudonyms hides the names.
"""

from podres_exporter.recording.pseudonyms import Pseudonyms
from podres_exporter.recording.records import Call, Recording, Refusal

__all__ = ["Call", "Pseudonyms", "Recording", "Refusal"]
