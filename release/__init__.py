"""What makes a release: the archives, their trial, and the notes."""
