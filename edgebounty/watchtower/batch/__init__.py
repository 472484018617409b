"""The batch lane, watched: what orchestrators posted is followed, judged and challenged."""
