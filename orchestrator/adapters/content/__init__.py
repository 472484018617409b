"""Jobs' bytes: checked, kept, and brought back when others withhold them."""
