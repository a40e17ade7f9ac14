"""What an operator does with endpoints that are deployed: measure, compare, find out. Uses the client, never Pulumi."""
