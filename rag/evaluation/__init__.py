"""Measuring retrieval and answers: metrics, calibration, reports. Pure functions of results."""
