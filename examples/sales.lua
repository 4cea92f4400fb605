local orders = data.read("orders.csv"):derive("revenue", "[quantity] * [unit_price]")
local regions = orders:group("region"):sum("revenue"):sort("revenue", "desc")
chart.bar(regions, {x = "region", y = "revenue", title = "Revenue by region, 2025"})
print(regions)
