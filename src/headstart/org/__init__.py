"""What an organization makes of studies: the skill profile and its evidence."""
