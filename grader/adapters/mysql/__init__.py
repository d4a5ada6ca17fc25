"""The table of jobs on MySQL 8, compatible with MariaDB."""
