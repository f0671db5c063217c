"""Findings on settings that are valid but probably not what was meant."""

from podres_exporter.check.evidence import Settings
from podres_exporter.check.finding import Finding, note, ok
from podres_exporter.text.words import joined, some


def settings_finding(settings: Settings) -> Finding:
    """Return what is given beside the defaults, and variables that look like ours and are not read by anyone."""
    given = list(settings.given)
    if settings.strangers:
        names = [name for name, _ in settings.strangers]
        meant = [f"{name}: did you mean {near}?" for name, near in settings.strangers if near]
        return note(
            "config",
            f"valid, but nothing reads {some(names)}",
            " ".join(["unset them, or correct their names.", *meant]),
            given=given,
            unread=names,
        )
    text = f"valid; given: {joined(given)}" if given else "valid; nothing is given, so these are the defaults"
    return ok("config", text, given=given)
