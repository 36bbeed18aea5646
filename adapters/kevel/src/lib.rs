//! The flightdeck adapter for Kevel.
