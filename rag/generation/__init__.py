"""From evidence to an answer whose every sentence has been checked."""
