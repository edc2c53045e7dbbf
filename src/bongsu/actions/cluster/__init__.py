"""What Kubernetes says, asked by real kubectl and read from its JSON into findings and changes.

`kubectl` asks and says why it could not; `reading` chooses the reader by what came; each reader is
pure: objects and the time in, findings out.
"""

from __future__ import annotations

from bongsu.actions.cluster.changes import changes
from bongsu.actions.cluster.look import look

__all__ = ["changes", "look"]
