"""A page of one compiled model: where its memory and its time go, operator by operator."""
