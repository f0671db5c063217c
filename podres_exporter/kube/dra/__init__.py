"""DRA objects of one node: ResourceSlices by list and watch, and the ResourceClaims of its pods one by one."""
