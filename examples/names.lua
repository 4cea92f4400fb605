local names = data.union("girls_2024.csv", "girls_2025.csv"):top(10, "count", "file")
chart.bar(names, {x = "name", y = "count", color = "file", title = "Top 10 girl names of 2024 and 2025"})
print(names:top(1, "count", "file"))
