"""Plan, run and decide a study; what it leaves behind."""
