"""What all our databases share: engines for many writers, migrations, faults in words."""
