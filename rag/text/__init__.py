"""Language at its surface: sentences, words, numbers and names. No models, no storage."""
