"""What is measured: measures, audits, power monitors, and the runner that joins the stages."""
