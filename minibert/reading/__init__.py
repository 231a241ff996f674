"""The code that ran, beside the arrays it made: functions are watched line by line, and written as one page."""
