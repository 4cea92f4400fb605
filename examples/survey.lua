local answers = data.read("answers.xlsx"):join(data.read("staff.csv"), "person")
local departments = answers:group("department", {satisfaction = {"mean", "satisfaction"}, answers = "count"})
chart.bar(departments:sort("satisfaction", "desc"),
  {x = "department", y = "satisfaction", title = "Mean satisfaction (1 to 5)"})
print(departments)
