"""A flightdeck adapter for the ad server Signpost."""
