local log = data.lines("access.log")
  :derive("path", "split([text], ' ', 7)")
  :derive("status", "split([text], ' ', 9)")
local codes = log:group("status"):count():sort("status")
local failed = log:where("status", "~=", "200"):where("status", "~=", "302"):group("path", "status"):count()
codes:save("codes.csv")
failed:sort("count", "desc"):save("failed.csv")
chart.bar(codes, {x = "status", y = "count", title = "Requests by status code", save = "codes.png"})
report.markdown([[
# Requests by status code

![How many of each](codes.csv)

![](codes.png)

## Pages that failed

![By page and status](failed.csv)
]], "report.html")
print(codes)
