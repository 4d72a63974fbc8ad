"""The ground of every room: errors, deadlines, paths, files, progress, text for people."""
