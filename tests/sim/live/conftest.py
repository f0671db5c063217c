"""Helpers of the live node's tests say what differs."""

import pytest

pytest.register_assert_rewrite("node_rig")
