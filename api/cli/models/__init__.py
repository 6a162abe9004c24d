"""What ``footnote models`` does; the commands are in ``api/cli/model_commands.py``."""
