"""Configuration: flags and environment variables parsed into one frozen Config."""

from podres_exporter.config.build import build_config
from podres_exporter.config.options import OPTIONS, Config, Option, option_name

__all__ = ["OPTIONS", "Config", "Option", "build_config", "option_name"]
