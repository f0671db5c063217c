"""The finding on permissions to read ResourceSlices and ResourceClaims."""

import pytest
from check_rig import api, found, healthy

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import DraAccess
from podres_exporter.errors import ApiServerError, Reason


@pytest.mark.parametrize(
    ("access", "verdict", "words"),
    [
        (None, Verdict.SKIPPED, "--no-collector.dra"),
        (DraAccess(""), Verdict.SKIPPED, "does not serve resource.k8s.io"),
        (ApiServerError("get", Reason.MALFORMED, "odd"), Verdict.SKIPPED, "does not say: odd"),
        (DraAccess("v1"), Verdict.OK, "may read ResourceSlices and ResourceClaims (v1)"),
        (DraAccess("v1beta1", (("get", "resourceclaims"),)), Verdict.WARNING, "may not get resourceclaims"),
    ],
)
def test_the_rights_are_told_with_their_remedy(
    access: DraAccess | ApiServerError | None, verdict: Verdict, words: str
) -> None:
    finding = found(healthy(api=api(dra=access)), "api.dra")

    assert (verdict, True) == (finding.verdict, words in finding.seen), finding.seen
    assert (verdict is Verdict.WARNING) == ("resourceslices], verbs: [list, watch]" in finding.remedy)
