"""What several test modules share: real services, applications, small factories."""
