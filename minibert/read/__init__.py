"""The code that ran, beside the arrays it made: functions are watched line by line, and written as one page.

It imports the chapters that it shows, `exercises.own` for a student's, and the explorer's way of packing a page.
"""
