"""What a recovery needs beside kubectl: pools looked at, former values kept, backups, failover.

The steps of playbooks call these as ``bongsu tool …``, so that they are wherever a worker runs.
"""
