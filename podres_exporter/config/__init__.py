"""Flags and environment to one frozen Config; nothing else reads either."""

from podres_exporter.config.build import build_config
from podres_exporter.config.options import OPTIONS, Config, Option, option_name

__all__ = ["OPTIONS", "Config", "Option", "build_config", "option_name"]
