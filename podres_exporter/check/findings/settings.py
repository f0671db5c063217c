"""Findings on settings that are valid but probably not what was meant."""

from podres_exporter.check.evidence import Settings
from podres_exporter.check.finding import Finding, note, ok
from podres_exporter.text.words import joined, some


def settings_finding(settings: Settings) -> Finding:
    """Return the settings that differ from the defaults, and unknown variables that look like ours."""
    given = list(settings.given)
    if settings.strangers:
        names = [name for name, _ in settings.strangers]
        meant = [f"{name}: did you mean {near}?" for name, near in settings.strangers if near]
        return note(
            "config",
            f"valid, but unknown and ignored: {some(names)}",
            " ".join(["unset them, or correct their names.", *meant]),
            given=given,
            unread=names,
        )
    text = f"valid; given: {joined(given)}" if given else "valid; all defaults"
    return ok("config", text, given=given)
