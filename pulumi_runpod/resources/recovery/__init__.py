"""What an interrupted or failed update left behind: found by names and states, and given back to its declarations."""
