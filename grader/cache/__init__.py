"""
What a worker keeps on disk so as not to fetch or compile it again.

::

    <directory>/          0700, the worker's own
      <64 hex digits>     finished files, 0644, never changed; the least recently used go first
      partial-*           files in the making; a name here says nothing about the content
"""
