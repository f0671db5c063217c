"""The simulated kubelet's Pods API (KEP-4188): its pods as a client of WatchPods, ListPods and GetPod sees them."""
