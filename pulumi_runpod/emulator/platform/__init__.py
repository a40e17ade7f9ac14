"""What every room of the local RunPod shares: state, clock, store, switches, faults, stock. Imports `wire` alone."""
