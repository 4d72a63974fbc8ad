"""The report: pictures, a table on the terminal, and an HTML page by Allure."""
