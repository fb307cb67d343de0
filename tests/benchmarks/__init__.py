"""What a change costs, beside the simplest things that could be done instead. Nothing here passes or fails."""
