"""The devices of DRA claims. Which NUMA node they are on the kubelet does not tell."""

from collections import defaultdict

from podres_exporter.model import Attribution, ClaimDevice
from podres_exporter.page.escape import escaped
from podres_exporter.page.names import tails
from podres_exporter.page.parts import kind, panel
from podres_exporter.page.scene import ClaimHolder, Scene

_CDI_ONLY = "driver not told"


def claims(scene: Scene) -> str:
    """Return a panel with the devices by driver; nothing where no container uses any."""
    if not scene.claims:
        return ""
    drivers: defaultdict[str, defaultdict[tuple[str, str], list[ClaimHolder]]] = defaultdict(lambda: defaultdict(list))
    for each in scene.claims:
        drivers[each.use.device.driver][_device(each.use.device)].append(each)
    kinds = "".join(_driver(scene, driver, drivers[driver]) for driver in sorted(drivers))
    return panel("claims", "Claim devices <small>DRA; NUMA nodes are not told</small>", kinds)


def _device(device: ClaimDevice) -> tuple[str, str]:
    """Return (pool, device); CDI names stand for the device where the kubelet names no other."""
    return (device.pool, device.device) if device.driver else ("", " ".join(device.cdi_devices))


def _driver(scene: Scene, driver: str, devices: dict[tuple[str, str], list[ClaimHolder]]) -> str:
    labels = tails(device for _, device in devices)
    items = "".join(
        _tile(scene, (driver, pool, device), labels[device], devices[pool, device]) for pool, device in sorted(devices)
    )
    return kind(escaped(driver) or _CDI_ONLY, f"{len(devices)} in use", f'<ul class="devices">{items}</ul>')


def _tile(scene: Scene, key: tuple[str, str, str], label: str, holders: list[ClaimHolder]) -> str:
    """Return one device with its users, by share where it has shares."""
    driver, pool, device = key
    full = "/".join(part for part in (driver, pool, device) if part)
    row = scene.health.get((driver, f"{pool}/{device}" if pool else device))
    flag = f'<span class="flag">{escaped(f"{row.health} {row.message}".strip())}</span>' if row else ""
    numbers = " ".join(dict.fromkeys(str(each.holder.badge.number) for each in holders))
    return (
        f'<li class="dev t{" bad" if row else ""}" data-p="{numbers}" title="{escaped(full)}">'
        f'<span class="id">{escaped(label)}</span>{"".join(_user(each) for each in holders)}{flag}</li>'
    )


def _user(each: ClaimHolder) -> str:
    share = each.use.device.share_id
    words = [f"claim {escaped(each.use.claim)}"]
    words += [f"share {escaped(share)}"] if share else []
    words += ["perhaps"] if each.use.attribution is Attribution.CLAIM else []
    return f'{each.holder.badge.chip()}<small class="ids">{", ".join(words)}</small>'
