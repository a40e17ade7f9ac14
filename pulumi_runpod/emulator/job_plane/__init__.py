"""Jobs, their workers and the load balancer. Never imports the control plane."""
