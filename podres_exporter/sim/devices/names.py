"""What the kubelet takes for the name of an extended resource."""

import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_MAX_PREFIX, _MAX_NAME = 253, 63
_QUOTA_PREFIX = "requests."


def is_extended_resource_name(name: str) -> bool:
    """
    Tell whether a plugin may register this name.

    It needs a domain of its own (so not `gpu`, nothing with `kubernetes.io/`), no `requests.` before it, and must still
    be a qualified name once a quota puts `requests.` before it: 253 - 9 characters of domain, 63 of name.

    Source: IsExtendedResourceName and IsNativeResource of pkg/apis/core/v1/helper/helpers.go, IsQualifiedName of
    k8s.io/apimachinery/pkg/util/validation.
    """
    if "/" not in name or "kubernetes.io/" in name or name.startswith(_QUOTA_PREFIX):
        return False
    return _is_qualified(_QUOTA_PREFIX + name)


def _is_qualified(name: str) -> bool:
    prefix, _, rest = name.partition("/")
    return (
        len(prefix) <= _MAX_PREFIX
        and len(rest) <= _MAX_NAME
        and _SUBDOMAIN.fullmatch(prefix) is not None
        and _NAME.fullmatch(rest) is not None
    )
