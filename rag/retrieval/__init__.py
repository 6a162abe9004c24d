"""From a question to passages, and from passages to the sentences that answer it."""
