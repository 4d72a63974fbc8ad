"""The report: a table on the terminal, a page of our own, and what Allure makes its page of."""
