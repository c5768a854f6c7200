"""What methods share: feature cache, loop, schedules, guards, resume."""
