"""The operating system's process: clocks, memory, garbage collection, remote files."""
