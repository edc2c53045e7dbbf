"""The `bongsu` command: one module per group of subcommands.

Each imports what it needs when it runs, so that `bongsu --help` answers at once.
"""
