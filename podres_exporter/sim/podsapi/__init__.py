"""The simulated kubelet's Pods API (KEP-4188): WatchPods, ListPods and GetPod."""
