"""The twelve stages of the pipeline: each reads files, calls the library, writes files."""
