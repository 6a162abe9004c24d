"""Quality runs behind ``make eval``: a real service over REST, no judge but the data's own answers."""
