"""Kubelet releases in a scenario."""

import pytest

from podres_exporter.scenario import Release, parse_release


@pytest.mark.parametrize("text", ["1.36", "v1.36", "v1.36.3", "1.36.3+k3s1"])
def test_a_release_is_read_however_people_write_it(text: str) -> None:
    """Only the minor release decides how the kubelet answers."""
    release = parse_release(text)

    assert Release(36) == release
    assert "1.36" == str(release)


@pytest.mark.parametrize("text", ["", "36", "2.36", "1.x", "1.", "latest"])
def test_what_is_no_release_is_refused(text: str) -> None:
    """A scenario file says which release it plays; a guess would play the wrong one."""
    with pytest.raises(ValueError, match=r"is not a kubelet release; write it as 1\.36"):
        parse_release(text)


@pytest.mark.parametrize("text", ["1.19", "1.39"])
def test_a_release_that_cannot_be_played_is_refused(text: str) -> None:
    """podresources/v1 came with 1.20; a release after 1.38 may answer differently."""
    with pytest.raises(ValueError, match=r"cannot be simulated; choose 1\.20 to 1\.38"):
        parse_release(text)
