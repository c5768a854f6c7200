"""What was ever tried: tasks, trials and studies in one database that many share."""
