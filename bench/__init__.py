"""Speed, side by side with others in one run, as ratios with the raw figures beside them."""
