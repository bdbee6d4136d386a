"""Station to plant: outbox rows delivered to the manufacturing execution system."""
