"""
The on-disk cache of a worker: fetched objects and compiled programs.

::

    <directory>/          0700, owned by the worker's user
      <64 hex digits>     complete files, 0644, never changed; least recently used are removed first
      partial-*           incomplete files with random names
"""
