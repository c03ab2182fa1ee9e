"""The process behind the door: ``python -m core.worker``. What is said there: docs/protocol.md."""
