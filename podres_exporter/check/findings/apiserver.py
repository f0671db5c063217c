"""Findings on the API server: credentials, connection, permissions, list of pods, node name and clock."""

from podres_exporter.check.evidence import AccessAnswer, Account, ApiServer, Evidence, PodsAnswer
from podres_exporter.check.finding import Facts, Finding, failed, note, ok, skipped, warning
from podres_exporter.check.findings.rights import VERBS, dra_finding, http_code, is_reached, right_finding, said
from podres_exporter.check.findings.rpcs import RECORDED
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.printable import printable
from podres_exporter.text.amounts import seconds_text, size_text
from podres_exporter.text.words import counted, some

SKEW_SECONDS = 5.0
"""Alerts on `podres_source_last_success_timestamp_seconds` compare the node's clock with Prometheus's."""

NO_API_SERVER = "--metadata.source is none"
_NO_CREDENTIALS = "no credentials (api.credentials)"
_NO_NODE_NAME = "the name of this node is not known (api.node-name)"
_NODE_NAME = (
    "give --node-name as kubectl get nodes shows it (in a pod NODE_NAME by the downward API), or --metadata.source=none"
)


def api_findings(evidence: Evidence) -> list[Finding]:
    """Return the findings on credentials, connection, permissions, the list of pods, the node's name and the clock."""
    api, names = evidence.api, ("credentials", "reach", "may-list", "may-watch", "list", "node-name", "clock", "dra")
    if api is None:
        return [skipped(f"api.{name}", why_not_asked(evidence)) for name in names]
    if not api.is_node_named:
        unnamed = failed("api.node-name", "this node's name is not given, so its pods cannot be listed", _NODE_NAME)
        return [*(skipped(f"api.{name}", _NO_NODE_NAME) for name in names if name != "node-name"), unnamed]
    account = api.account
    if account is None:
        remedy = "; ".join(api.problem.split("; ")[1:])
        first = failed("api.credentials", printable(api.problem.split("; ")[0]), printable(remedy) or _CREDENTIALS)
        return [first, *(skipped(f"api.{name}", _NO_CREDENTIALS) for name in names[1:])]
    return [
        _credentials(api, account),
        _reach(api, account),
        *(right_finding(api, verb) for verb in VERBS),
        _list(api),
        _node_name(evidence),
        _clock(api),
        dra_finding(api),
    ]


def why_not_asked(evidence: Evidence) -> str:
    """Return which setting turns the API server off."""
    if evidence.is_recorded:
        return RECORDED
    return NO_API_SERVER if evidence.podsapi is None else "--metadata.source is podsapi"


_CREDENTIALS = "give --metadata.kubeconfig, or run with --metadata.source=none"


def _credentials(api: ApiServer, account: Account) -> Finding:
    name = "api.credentials"
    seen = f"found: {printable(account.source)}"
    answers = [*api.reviews.values(), api.pods]
    if 401 in map(http_code, answers):
        remedy = (
            "the token has expired or belongs to another cluster: in a pod, delete the pod so that it gets a new one; "
            "with a kubeconfig, log in again"
        )
        return failed(name, f"{seen}, but the API server does not accept them (HTTP 401)", remedy)
    unusable = [each for each in answers if isinstance(each, ApiServerError) and "credentials" in each.detail]
    if unusable:
        return failed(name, f"{seen}, but {said(unusable[0])}", _CREDENTIALS)
    return ok(name, seen, source=account.source)


def _reach(api: ApiServer, account: Account) -> Finding:
    """Return whether the server answers at all, and whether the connection is encrypted."""
    name, where = "api.reach", printable(account.server)
    if account.proxy:
        where = f"{where} (through the proxy {printable(account.proxy)})"
    facts: Facts = {"server": account.server, "proxy": account.proxy, "encrypted": account.is_encrypted}
    answers = [*api.reviews.values(), api.pods]
    errors = [each for each in answers if isinstance(each, ApiServerError)]
    timed = [each for each in answers if isinstance(each, AccessAnswer | PodsAnswer)]
    if not is_reached(api):
        error = errors[0]
        return failed(name, f"{where}: {said(error)}", _reach_remedy(error, account), **facts)
    took = f" in {seconds_text(timed[0].seconds)}" if timed else ""
    if not account.is_encrypted:
        seen, remedy = (
            f"{where} answers{took}, without TLS",
            "use https:// outside of tests: the token can be intercepted",
        )
        return note(name, seen, remedy, **facts)
    if not account.is_verified:
        remedy = "set the cluster's certificate-authority in the kubeconfig instead of insecure-skip-tls-verify"
        return warning(name, f"{where} answers{took}, and its certificate is not verified", remedy, **facts)
    return ok(name, f"{where} answers{took}, over TLS", **facts)


def _reach_remedy(error: ApiServerError, account: Account) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in error.detail:
        return (
            "the server's certificate is not signed by the trusted CA: the kubeconfig of another cluster, or a new CA"
        )
    if account.proxy:
        return "bypass the proxy for the API server: add its address to NO_PROXY"
    if "Read timed out" in error.detail:
        return (
            "it accepts connections but does not answer: the API server, or a load balancer in front of it, is "
            "overloaded"
        )
    if error.reason is Reason.TIMEOUT:
        return "packets are lost: a NetworkPolicy must allow egress from the exporter to the API server"
    return "no answer: check the address, the egress rules of NetworkPolicies, and the API server itself"


def _list(api: ApiServer) -> Finding:
    name, answer = "api.list", api.pods
    if isinstance(answer, PodsAnswer):
        took = f"{size_text(answer.size_bytes)} in {seconds_text(answer.seconds)}"
        facts = {"pods": answer.pods, "size_bytes": answer.size_bytes, "seconds": answer.seconds}
        if answer.unreadable:
            seen = f"{counted(len(answer.unreadable), 'pod')} cannot be read: {some(answer.unreadable)}"
            remedy = "they are exported without metadata; this is probably a bug of podres-exporter, please report it"
            return warning(name, seen, remedy, unreadable=len(answer.unreadable), **facts)
        return ok(name, f"{counted(answer.pods, 'pod')} of this node, {took}", unreadable=0, **facts)
    error = answer or ApiServerError("list", Reason.INTERNAL, "not asked")
    if not is_reached(api):
        return skipped(name, "the API server has not answered (api.reach)")
    if http_code(error) == 401:
        return skipped(name, "the credentials are not accepted (api.credentials)")
    if http_code(error) == 403:
        return failed(name, "refused (HTTP 403)", "see api.may-list", reason=error.reason.value)
    remedy = {
        Reason.THROTTLED: (
            "the API server is overloaded and API Priority and Fairness delays the request; try again later"
        ),
        Reason.MALFORMED: "the answering process is not an API server: check the address and proxies",
        Reason.NOT_FOUND: "the answering process is not an API server: check the address and proxies",
    }.get(error.reason, "see the API server's log")
    return failed(name, said(error), remedy, reason=error.reason.value)


def _node_name(evidence: Evidence) -> Finding:
    """Return whether the name is the node's, judging by the pods that both sides know."""
    name, node = "api.node-name", printable(evidence.settings.node)
    listing, metadata = evidence.listing, evidence.metadata
    if metadata is None:
        return skipped(name, "its pods could not be listed (api.list)")
    if listing is None:
        return skipped(name, f"{node}: the kubelet's pods are not known (kubelet.list)")
    both = len([pod for pod in listing.pods if pod.key in metadata.pods])
    facts: Facts = {"node": evidence.settings.node, "kubelet_pods": len(listing.pods), "api_pods": len(metadata.pods)}
    told = (
        f"the API server has {counted(len(metadata.pods), 'pod')} of node {node}, the kubelet lists {len(listing.pods)}"
    )
    if listing.pods and not both:
        remedy = (
            "set NODE_NAME from the field spec.nodeName, or give the name that kubectl get nodes shows; with a wrong "
            "name no pod gets its labels and owner"
        )
        return failed(name, f"{told}, with none in common: the name is wrong", remedy, shared_pods=0, **facts)
    if evidence.settings.is_node_guessed:
        seen = (
            f"no node name is configured; assuming the host name {node}: {both} of the kubelet's {len(listing.pods)} "
            "pods known"
        )
        return warning(name, seen, f"serve requires the name: {_NODE_NAME}", shared_pods=both, **facts)
    if not listing.pods:
        return ok(name, f"{node}; there are no pods to compare", shared_pods=0, **facts)
    return ok(
        name, f"{node}: {both} of the kubelet's {counted(len(listing.pods), 'pod')} known", shared_pods=both, **facts
    )


def _clock(api: ApiServer) -> Finding:
    """Return how far this node's clock is from the API server's, whose Date is in whole seconds."""
    name = "api.clock"
    for answer in api.reviews.values():
        if isinstance(answer, AccessAnswer) and answer.date_seconds is not None:
            skew = answer.asked_seconds - (answer.date_seconds + 0.5)
            break
    else:
        return skipped(name, "the API server has not sent its time (api.reach)")
    facts: Facts = {"skew_seconds": round(skew, 1)}
    way = "ahead of" if skew > 0 else "behind"
    if abs(skew) > SKEW_SECONDS + answer.seconds:
        seen = f"this node is {abs(skew):.0f} s {way} the API server"
        return warning(
            name,
            seen,
            "synchronise it (chronyc tracking): alerts on timestamps will be wrong, and tokens rejected",
            **facts,
        )
    return ok(name, f"within {max(1.0, abs(skew)):.0f} s of the API server's", **facts)
