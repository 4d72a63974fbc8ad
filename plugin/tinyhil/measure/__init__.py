"""What is measured: measures, audits, power monitors, what brings a board back, and the runner that
joins the stages."""
