local sheets = data.read("*.csv")
local hours = sheets:group("person", "project"):sum("hours"):sort("person")
chart.bar(hours, {x = "person", y = "hours", color = "project", stack = "zero", title = "Hours, January to March"})
print(hours:pivot("person", "project", "hours"))
