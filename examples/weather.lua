local months = data.read("daily.csv"):month("date"):group("month"):mean("t_max_c"):sort("month")
chart.line(months, {x = "month", y = "t_max_c", title = "Mean highest temperature (°C)"})
print(months:top(1, "t_max_c"))
