"""The cell that holds the newest snapshot."""

import threading

from podres_exporter.state import Cell


def test_a_cell_hands_out_the_very_value_that_was_put_in() -> None:
    """Everyone reads the same frozen object, never a copy."""
    first, second = ("first",), ("second",)
    cell = Cell(first)

    assert first is cell.get()
    cell.set(second)
    assert second is cell.get()


def test_what_was_read_before_a_swap_stays_as_it_was() -> None:
    """A scrape under way goes on with the snapshot that it began with."""
    cell = Cell(("old",))
    read = cell.get()
    cell.set(("new",))

    assert ("old",) == read


def test_readers_see_whole_values_that_never_go_back() -> None:
    """Swapping a reference is atomic, so readers need no lock."""
    cell = Cell((0, 0))
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(cell.get())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 5001):
        cell.set((number, number))
    done.set()
    reader.join()

    assert [] == [pair for pair in seen if pair[0] != pair[1]]
    assert sorted(seen) == seen
