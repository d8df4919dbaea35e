"""People predicted from draws: completed, replicated, forecast."""
