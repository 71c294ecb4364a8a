"""The tabs of the page: each builds its controls and connects them."""
