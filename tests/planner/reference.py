"""For each request a script that does it: shows that one script of the agent's grammar is enough, and that the judge takes
what is right. Requests are found by their beginning; those that are declined have none."""

TEA, LEAGUE, ERUPT, WASH, CALLS = ('data.read("%s")' % f for f in ("tea_house.csv", "league.csv", "eruptions.csv", "machines.csv", "calls.csv"))
PRICES, COCOA, NIGHTS, METER, BIRDS, LOANS = ('data.read("%s")' % f for f in ("prices.csv", "cocoa_exports.csv", "nights.csv", "meter.csv", "counts.csv", "tool_loans.csv"))
KIOSKS, RECEIPTS, SURVEY, TRAM, BILLS, REGIONS = ('data.read("%s")' % f for f in ("kiosks.csv", "receipts.csv", "answers.csv", "tickets.csv", "bills.csv", "regions.csv"))
SITES = '{"Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"}'
YEARS = '{"2018", "2019", "2020", "2021", "2022"}'
PER_MONTH = """:derive("month", "concat([year], '-', right(concat('0', [month]), 2))"):group("month"):sum("kwh"):sort("month")"""


def chart(kind, table, x, y, more=""):
    ys = y if y.startswith("{") else f'"{y}"'
    return f't = {table}\nchart.{kind}(t, {{x="{x}", y={ys}{more}, title="Chart"}})'


def shown(table):
    return f"t = {table}\nprint(t)"


def apply(operation):
    return f"print(files.apply({{{operation}}}))"


REFERENCE = {
    "Bar chart of the total takings per tea": chart("bar", TEA + ':group("tea"):sum("takings_eur")', "tea", "takings_eur"),
    "how many cups of Sencha": f'print({TEA}:where("tea", "==", "Sencha"):sum("cups"))',
    "average takings for each counter": shown(TEA + ':group("counter"):mean("takings_eur")'),
    "pie of cups by tea": chart("pie", TEA + ':group("tea"):sum("cups")', "tea", "cups"),
    "line chart of the monthly cups": chart("line", TEA + ':month("sold_on"):group("month"):sum("cups"):sort("month")', "month", "cups"),
    "each tea's share": chart("bar", TEA + ':group("tea"):sum("takings_eur"):share("takings_eur")', "tea", "share"),
    "compare the total takings per tea of 2021": chart("bar", TEA + ':year("sold_on"):pivot("tea", "year", "takings_eur", "sum")', "tea", '{"2021", "2022"}'),
    "takings per cup": shown(TEA + ':group("counter"):sum("takings_eur", "cups"):derive("rate", "[takings_eur] / [cups]"):select("counter", "rate")'),
    "Which team has the most wins": f't = {LEAGUE}:top(1, "wins")\nprint(t:select("team", "wins"))',
    "scatter plot of goals": chart("scatter", LEAGUE, "goals_for", "goals_against"),
    "median stadium seats": f'print({LEAGUE}:median("stadium_seats"))',
    "goal difference": chart("bar", LEAGUE + ':derive("difference", "[goals_for] - [goals_against]")', "team", "difference"),
    "number of eruptions per country": chart("bar", ERUPT + ':group("country"):count()', "country", "count"),
    "histogram of the ash": f't = {ERUPT}\nchart.hist(t, {{x="ash_km", title="Ash"}})',
    "What was the highest ash": f't = {ERUPT}:top(1, "ash_km")\nprint(t:select("volcano", "ash_km"))',
    "heat map of the number of eruptions": chart("heatmap", ERUPT + ':group("country", "vei"):count()', "country", "vei", ', color="count"'),
    "box plot of minutes": chart("box", WASH, "program", "minutes"),
    "Mean kwh per floor": shown(WASH + ':group("floor"):mean("kwh")'),
    "average litres per kg": shown(WASH + ':derive("rate", "[litres] / [load_kg]"):group("program"):mean("rate")'),
    "100% stacked bar chart": chart("bar", WASH + ':group("floor", "program"):count()', "floor", "count", ', color="program", stack="normalize"'),
    "how many runs are there": f't = {WASH}\nprint(t:count())\nprint(t:mean("load_kg"))',
    "average response time by district": chart("bar", CALLS + ':group("district"):mean("response_min")', "district", "response_min"),
    "how many calls went": f'print({CALLS}:where("hospital", "==", "General"):count())',
    "pivot table of the number of calls": shown(CALLS + ':pivot("district", "reason", "response_min", "count")'),
    "for each district the number": shown(CALLS + ':group("district", {count="count", average={"mean", "response_min"}})'),
    "line chart of the price over time": chart("line", PRICES, "month", '{"Arvid", "Bolt", "Cedar", "Dune"}'),
    "Compare Bolt and Dune": chart("line", PRICES, "month", '{"Bolt", "Dune"}'),
    "average price of each company": chart("bar", PRICES + ':unpivot({"Arvid", "Bolt", "Cedar", "Dune"}, "series", "value"):group("series"):mean("value")', "series", "value"),
    "highest price of Cedar": f'print({PRICES}:max("Cedar"))',
    "3 month moving average": chart("line", PRICES + ':window("moving_average", "moving_average", {column="Arvid", order="month", n=3})', "month", "moving_average"),
    "exports over the years": chart("line", f'{COCOA}:unpivot({YEARS}, "year", "value")', "year", "value", ', color="country"'),
    "Which country grew most": f't = {COCOA}:derive("change", "[2022] - [2018]"):top(1, "change")\nprint(t:select("country", "change"))',
    "2019 and 2022 side by side": chart("bar", COCOA, "country", '{"2019", "2022"}'),
    "growth in percent from 2020": shown(COCOA + ':derive("growth", "([2021] - [2020]) / [2020] * 100"):select("country", "growth")'),
    "total nights per month": chart("bar", f'{NIGHTS}:unpivot({SITES}, "month", "value"):group("month"):sum("value")', "month", "value"),
    "which site had the most nights": shown(f'{NIGHTS}:unpivot({SITES}, "month", "value"):group("site"):sum("value"):top(1, "value")'),
    "line chart of the kwh over time": chart("line", METER + PER_MONTH, "month", "kwh"),
    "kwh per month, one line": chart("line", METER + ':month_name("month"):group("month_name", "year"):sum("kwh")', "month_name", "kwh", ', color="year"'),
    "how much electricity": f'print({METER}:where("year", "==", 2021):where("month", "==", 3):sum("kwh"))',
    "cost per kwh for each year": shown(METER + ':group("year"):sum("cost_eur", "kwh"):derive("rate", "[cost_eur] / [kwh]"):select("year", "rate")'),
    "heat map of the birds": chart("heatmap", BIRDS + ':group("Month", "Species"):sum("Birds")', "Month", "Species", ', color="Birds"'),
    "Total birds per species": shown(BIRDS + ':group("Species"):sum("Birds")'),
    "How many herons": f'print({BIRDS}:where("Species", "==", "Heron"):where("Month", "==", "May"):where("Year", "==", 2022):sum("Birds"))',
    "average number of days a tool": chart("bar", LOANS + ':derive("days", "days([lent_on], [returned_on])"):group("tool"):mean("days")', "tool", "days"),
    "Who borrowed most often": shown(LOANS + ':group("member"):count():top(1, "count")'),
    "total amount per area": chart("bar", f'{RECEIPTS}:join({KIOSKS}, {{["kiosk_id"]="id"}}):group("area"):sum("amount")', "area", "amount"),
    "which kiosks have no receipts": shown(f'{KIOSKS}:join({RECEIPTS}, {{["id"]="kiosk_id"}}, "anti")'),
    "average amount of a receipt": f'print({RECEIPTS}:mean("amount"))',
    "top 3 teams of 2022": chart("bar", 'data.union("quiz_2022.csv", "quiz_2023.csv"):top(3, "points", "file")', "team", "points", ', color="file"'),
    "which team improved most": f't = data.read("quiz_2022.csv"):join(data.read("quiz_2023.csv"), "team"):derive("change", "[points_2] - [points]"):top(1, "change")\nprint(t:select("team", "change"))',
    "which persons answered": shown(SURVEY + ':group("person"):count():where("count", ">", 1)'),
    "share of each vote": shown(SURVEY + ':group("vote"):count():share("count"):select("vote", "share")'),
    "running total of the revenue": chart("line", TRAM + ':month("date"):group("month"):sum("revenue"):sort("month"):window("running_total", "cumulative_sum", {column="revenue", order="month"})', "month", "running_total"),
    "change in revenue from 2022": chart("bar", TRAM + ':year("date"):pivot("line", "year", "revenue", "sum"):derive("change", "[2023] - [2022]")', "line", "change"),
    "stacked bars of the tickets": chart("bar", TRAM + ':group("line", "fare_class"):sum("tickets")', "line", "tickets", ', color="fare_class", stack="zero"'),
    "average tip as percent": shown(BILLS + ':derive("percent", "[tip] / [bill] * 100"):group("evening"):mean("percent")'),
    "bill per guest by waiter": shown(BILLS + ':group("waiter"):sum("bill", "guests"):derive("rate", "[bill] / [guests]"):select("waiter", "rate")'),
    "Write summary.md": f't = {BILLS}\nprint(files.write("summary.md", table.concat({{"# Bills\\n\\n", "- Number of bills: ", t:count(), "\\n", "- Average tip: ", t:mean("tip"), "\\n"}})))',
    "make an HTML report": f'r = {BILLS}:group("waiter"):sum("bill")\nchart.bar(r, {{x="waiter", y="bill", title="Bill", save="chart.png"}})\nprint(report.markdown("# Bills\\n\\n![Bill](chart.png)\\n", "report.html"))',
    "doctors per 1000 people": chart("bar", REGIONS + ':derive("rate", "[doctors] / [population] * 1000")', "region", "rate"),
    "Which region has the most hospital beds": f't = {REGIONS}:derive("rate", "[hospital_beds] / [population]"):top(1, "rate")\nprint(t:select("region", "rate"))',
    "save the regions with more": f'{REGIONS}:where("doctors", ">", 500):save("big.csv")',
    "convert regions.csv to Excel": f'{REGIONS}:to_xlsx("regions.xlsx")',
    "rename the photos": apply('op="rename", files="*.jpg", match="*.jpg", to="trip_{n:3}.jpg"'),
    "zip all photos": apply('op="archive", files="*.jpg", to="photos.zip"'),
    "remove duplicate files": apply('op="dedupe", files="**"'),
    "sort the files into folders": apply('op="sort", files="*", by="extension"'),
    "move all csv files": apply('op="move", files="*.csv", to="costs/"'),
    "merge the costs csv": apply('op="merge", files="costs_*.csv", to="costs_all.csv"'),
    "delete scan.pdf": apply('op="delete", files="scan.pdf"'),
    "replace the spaces": apply('op="rename", files="*", regex=" ", to="_"'),
    "move everything in inbox": apply('op="move", files="inbox/*", to="archive/"'),
    "rename my report.txt": apply('op="move", files="my report.txt", to="report_2024.txt"'),
}
