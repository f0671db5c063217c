"""DRA objects of one node: its ResourceSlices by list and watch, the ResourceClaims of its pods one by one."""
