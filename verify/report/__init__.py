"""``python -m verify report``: a static site made from stored records, which runs no claim and needs no network.

Records are gathered and one chosen a claim (``runs``), turned into what a page says (``view``, with mathematics from
``typeset`` and numbers from ``numbers``), and written through templates (``site``).
"""
