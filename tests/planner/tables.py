"""Twenty hand-made workspaces of topics that the recipe does not have: name -> {path: text or bytes}. Nothing is trained on them."""
import random
from datetime import date, timedelta

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def csv(header, rows):
    return header + "\n" + "".join(",".join(str(v) for v in row) + "\n" for row in rows)


def all_tables():
    r = random.Random(77)
    out = {}
    day = lambda y, i: (date(y, 1, 3) + timedelta(days=i)).isoformat()  # noqa: E731

    out["tea"] = {"tea_house.csv": csv("sold_on,tea,counter,cups,takings_eur", [(day(2021 + i % 3, 3 * i % 360), r.choice(("Assam", "Sencha", "Rooibos", "Oolong")), r.choice(("Front", "Garden", "Window")), r.randint(1, 30), round(r.uniform(4, 130), 2)) for i in range(150)])}
    teams = "Ravens Otters Comets Wolves Swifts Badgers Herons Foxes".split()
    out["league"] = {"league.csv": csv("team,wins,draws,losses,goals_for,goals_against,stadium_seats", [(t, r.randint(3, 22), r.randint(2, 11), r.randint(2, 19), r.randint(20, 88), r.randint(20, 80), r.randint(30, 300) * 100) for t in teams])}
    out["volcanoes"] = {"eruptions.csv": csv("volcano,country,erupted,vei,ash_km,evacuated", [(r.choice(("Etna", "Hekla", "Fuego", "Sakurajima", "Popo")), c, day(y, r.randint(0, 350)), r.randint(0, 5), round(r.uniform(0.4, 19), 1), r.choice((0, 0, 120, 900, 4000)))
                                                                                          for c, y in ((r.choice(("Italy", "Iceland", "Guatemala", "Japan", "Mexico")), r.randint(2001, 2020)) for _ in range(90))])}
    out["laundry"] = {"machines.csv": csv("machine,floor,program,minutes,litres,kwh,load_kg", [(f"M{r.randint(1, 9)}", r.choice(("Ground", "First", "Cellar")), r.choice(("Cotton", "Wool", "Quick", "Eco")), r.randint(22, 160), r.randint(30, 110), round(r.uniform(0.3, 2.4), 2), round(r.uniform(1, 8), 1)) for _ in range(120)])}
    out["ambulance"] = {"calls.csv": csv("call_time,crew,district,reason,response_min,crew_size,hospital", [(f"{day(2023, i % 300)} {r.randint(0, 23):02d}:{r.randint(0, 59):02d}:00", r.choice(("A1", "A2", "B1", "B2")), r.choice(("Port", "Hill", "Centre", "Meadows")),
                                                                                                     r.choice(("Fall", "Chest pain", "Accident", "Birth")), r.randint(4, 31), r.choice((2, 2, 3)), r.choice(("St Anne", "General", "North Clinic"))) for i in range(160)])}
    firms = ["Arvid", "Bolt", "Cedar", "Dune"]
    price = {f: r.uniform(20, 90) for f in firms}
    rows = []
    for i in range(40):
        for f in firms:
            price[f] *= r.uniform(0.95, 1.06)
        rows.append((f"{2020 + i // 12}-{i % 12 + 1:02d}-01", *[round(price[f], 2) for f in firms]))
    out["shares"] = {"prices.csv": csv("month," + ",".join(firms), rows)}
    countries = ["Ghana", "Ecuador", "Belgium", "Peru", "Switzerland", "Brazil"]
    out["cocoa"] = {"cocoa_exports.csv": csv("country,2018,2019,2020,2021,2022", [(c, *[r.randint(20, 900) for _ in range(5)]) for c in countries])}
    out["camping"] = {"nights.csv": csv("site," + ",".join(MONTHS[3:10]), [(s, *[r.randint(0, 600) for _ in range(7)]) for s in ("Lakeside", "Pines", "Dunes", "Orchard", "Quarry")])}
    out["electricity"] = {"meter.csv": csv("year,month,kwh,cost_eur,tariff", [(y, m, r.randint(160, 520), round(r.uniform(45, 170), 2), r.choice(("day", "night"))) for y in (2019, 2020, 2021, 2022) for m in range(1, 13)])}
    out["birds"] = {"counts.csv": csv("Year,Month,Species,Birds,Observers", [(y, m, s, r.randint(0, 240), r.randint(1, 9)) for y in (2021, 2022) for m in MONTHS for s in ("Teal", "Coot", "Heron")])}
    out["tools"] = {"tool_loans.csv": csv("tool,member,lent_on,returned_on,deposit", [(r.choice(("Drill", "Saw", "Ladder", "Tent", "Mixer")), r.choice("Ada Ben Cho Dee Eli Fay".split()), d.isoformat(), (d + timedelta(days=r.randint(1, 40))).isoformat(), r.choice((5, 10, 20)))
                                                                                     for d in (date(2022, 1, 4) + timedelta(days=4 * i) for i in range(70))])}
    shops = [("S1", "Anna", "Harbour"), ("S2", "Boris", "Hill"), ("S3", "Clara", "Harbour"), ("S4", "Dimitri", "Valley"), ("S5", "Elif", "Hill"), ("S6", "Farouk", "Valley")]
    out["kiosks"] = {"kiosks.csv": csv("id,tenant,area", shops), "receipts.csv": csv("receipt,kiosk_id,amount,items", [(i, f"S{r.randint(1, 5)}", round(r.uniform(2, 60), 2), r.randint(1, 9)) for i in range(1, 91)])}
    for y in (2022, 2023):
        out.setdefault("quiz", {})[f"quiz_{y}.csv"] = csv("team,points,rounds", [(t, r.randint(20, 140), r.randint(3, 9)) for t in r.sample("Owls Larks Finches Crows Jays Wrens Rooks Terns Gulls".split(), 7)])
    people = [(f"P{r.randint(1, 45):02d}", r.choice(("yes", "no", "unsure")), r.choice(("18-29", "30-49", "50+")), r.randint(1, 10)) for _ in range(60)]
    out["survey"] = {"answers.csv": csv("person,vote,age_group,satisfaction", people)}
    out["tram"] = {"tickets.csv": csv("date,line,fare_class,tickets,revenue,inspectors", [(day(y, 7 * w), ln, f, r.randint(20, 900), r.randint(60, 4000), r.randint(1, 6)) for y in (2022, 2023) for w in range(26) for ln in ("T1", "T2", "T4") for f in ("Adult", "Child")])}
    out["restaurant"] = {"bills.csv": csv("evening,waiter,guests,bill,tip,smoking", [(r.choice(("Thu", "Fri", "Sat", "Sun")), r.choice(("Ines", "Jon", "Kim")), g, b, round(b * r.uniform(0.04, 0.24), 2), r.choice(("yes", "no"))) for g, b in ((r.randint(1, 7), round(r.uniform(12, 190), 2)) for _ in range(110))])}
    out["regions"] = {"regions.csv": csv("region,population,doctors,hospital_beds,area_km2", [(n, r.randint(40, 900) * 1000, r.randint(60, 2600), r.randint(100, 6000), r.randint(200, 9000)) for n in ("Arden", "Brook", "Cairn", "Dale", "Esk", "Firth", "Garth")])}
    # Folders
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
    out["photos"] = {f"IMG_{i:04d}.jpg": b"\xff\xd8\xff\xe0" + bytes([i % 256]) * 60 for i in (12, 15, 31, 44)}
    out["desk"] = {"letter.txt": "Dear all\n", "letter copy.txt": "Dear all\n", "plan.txt": "one\ntwo\n", "costs_jan.csv": "item,eur\nink,12\n", "costs_feb.csv": "item,eur\npaper,30\nclips,2\n", "logo.png": png, "scan.pdf": b"%PDF-1.4\nxx", "readme.md": "# Desk\n"}
    out["papers"] = {"my report.txt": "a\n", "final draft.txt": "b\n", "old list.csv": "n,v\na,1\n", "inbox/one.pdf": b"%PDF-1.4\n1", "inbox/two.pdf": b"%PDF-1.4\n2"}
    return out
