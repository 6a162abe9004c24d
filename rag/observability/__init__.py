"""What a running process says of itself: log lines and traces, never a text, a name or a key."""
