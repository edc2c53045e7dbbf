"""Who is asking and what they may do: passwords, sessions, tokens, one-time links, CSRF, languages.

The console and the API both come in through `current_actor`, `Access` and `csrf`.
"""

from bongsu.web.access.actor import Actor
from bongsu.web.access.door import Access, Signed, SignInRefusedError, current_actor
from bongsu.web.access.language import language

__all__ = ["Access", "Actor", "SignInRefusedError", "Signed", "current_actor", "language"]
