"""Which base to start from: transferability scores from frozen features, in seconds."""
