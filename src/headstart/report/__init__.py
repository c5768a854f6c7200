"""The page, the plots and the cards."""
