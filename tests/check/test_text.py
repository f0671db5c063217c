"""The report as text on a terminal of 80 columns."""

from check_rig import healthy, unconnected

from podres_exporter.check import Report, judge, text_lines
from podres_exporter.check.finding import failed, note, ok, skipped, warning

LONG = " ".join(["words"] * 30)


def lines(*findings: object, colours: bool = False) -> list[str]:
    return list(text_lines(Report("n", findings), colours=colours))  # type: ignore[arg-type]


def test_each_finding_is_a_line_with_its_mark_and_the_remedy_below() -> None:
    """Five marks of four columns; names aligned; groups apart; at the end where to begin."""
    found = lines(
        ok("config", "valid"),
        failed("a.first", "it is broken", "mend it"),
        warning("a.two", "soon broken", "mend it soon"),
        note("b.three", "odd", "know it"),
        skipped("b.four", "no a.first"),
    )

    assert [
        "ok    config   valid",
        "",
        "FAIL  a.first  it is broken",
        "      -> mend it",
        "warn  a.two    soon broken",
        "      -> mend it soon",
        "",
        "note  b.three  odd",
        "      -> know it",
        "skip  b.four   no a.first",
        "",
        "1 failed, 1 warning, 1 note, 1 ok and 1 skipped. Start with a.first.",
    ] == found


def test_long_sentences_go_on_below_themselves_within_80_columns() -> None:
    found = lines(failed("a.b", LONG, LONG))

    assert 80 >= max(map(len, found))
    assert [" " * 11 + "words"] * 2 == [line[:16] for line in found[1:3]]
    assert "      -> words" == found[3][:14]
    assert "         words" == found[4][:14]


def test_a_name_that_is_too_long_stays_whole() -> None:
    """To be copied."""
    path = "/" + "x" * 100

    assert path in "\n".join(lines(ok("a.b", f"at {path} it is")))


def test_whole_reports_fit_into_80_columns() -> None:
    """Good and bad ones alike."""
    for evidence in (healthy(), unconnected()):
        assert 80 >= max(len(line) for line in text_lines(judge(evidence), colours=False))


def test_a_report_without_a_fault_says_no_place_to_begin() -> None:
    assert "2 notes and 1 ok." == lines(ok("a", "x"), note("b", "x", "y"), note("c", "x", "y"))[-1]


def test_warnings_alone_say_where_to_begin_too() -> None:
    assert "2 warnings. Start with a." == lines(warning("a", "x", "y"), warning("b", "x", "y"))[-1]


def test_of_findings_skipped_for_one_reason_the_first_stands_for_all() -> None:
    """Eight lines that say the same hide the others; another reason begins another line."""
    found = lines(skipped("a.a", "why"), skipped("a.b", "why"), skipped("a.c", "other"), ok("a.d", "x"), ok("a.e", "x"))

    assert [
        "skip  a.a  and 1 more: why",
        "skip  a.c  other",
        "ok    a.d  x",
        "ok    a.e  x",
    ] == found[:4]


def test_only_marks_are_coloured() -> None:
    """And only where that is wanted."""
    found = lines(failed("a.b", LONG, "y"), colours=True)
    plain = lines(failed("a.b", LONG, "y"))

    assert found[0].startswith("\x1b[1;31mFAIL\x1b[0m  a.b  words")
    assert plain[1:] == found[1:]
