"""The table of jobs on MySQL 8, on the ground that MariaDB shares with it."""
