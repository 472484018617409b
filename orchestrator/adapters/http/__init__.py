"""The HTTP side: workers, requesters and operators ask here. Nothing it says moves money."""
