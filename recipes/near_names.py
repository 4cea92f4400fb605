"""Tables with a family of columns that share a head ("biology mark", "history mark"): what is there is used, its near cousins are declined."""
from kit import amount, category, distinct_names, entity, file_of, style_of, workspace
from schemas import Column, is_clause, styled
from tasks import bar_agg, bar_top, best_group, agg_number, box, group_table, hist, line_period, scatter, top_rows

# head of the columns, what they are of, rows, files, do they add up, from, to, decimals, [(names, says, values)] of groups
CLASS = (["class", "form"], ["class"], ["7a", "7b", "8a", "8c"])
TOWN = (["town", "place"], ["town"], ["Arvik", "Bronn", "Celle", "Dorno"])
FAMILIES = [
    ("mark", ["biology", "history", "geography", "spelling", "physics", "chemistry", "drawing", "latin"], ["pupil"], ["marks", "school_report"], False, 1, 15, 0, [CLASS, (["term"], ["term"], ["Autumn", "Spring"])]),
    ("score", ["reading", "listening", "writing", "speaking", "grammar", "vocabulary"], ["candidate"], ["language_test", "exam_results"], False, 10, 100, 0, [(["level"], ["level"], ["A2", "B1", "B2"]), (["centre", "test_centre"], ["test centre"], ["Lund", "Trier", "Vigo"])]),
    ("cost", ["heating", "water", "cleaning", "lift", "insurance", "garden", "repair", "waste"], ["flat", "bill"], ["service_charges", "house_costs"], True, 10, 900, 2, [(["building"], ["building"], ["Elm Court", "Mill Row", "Dock 4"]), (["owner_type"], ["kind of owner"], ["private", "council", "trust"])]),
    ("sales", ["apple", "pear", "plum", "cherry", "quince", "apricot", "peach"], ["market day"], ["fruit_stall", "stall"], True, 5, 400, 0, [TOWN, (["seller"], ["seller"], ["Ada", "Bo", "Cleo"])]),
    ("temperature", ["oven", "cellar", "roof", "engine", "water", "soil", "kitchen", "freezer"], ["reading"], ["probes", "temperature_log"], False, -20, 220, 1, [(["site"], ["site"], ["Plant 1", "Plant 2", "Annex"]), (["shift"], ["shift"], ["early", "late", "night"])]),
    ("length", ["wing", "tail", "beak", "leg", "claw", "crest", "toe"], ["bird", "ringed bird"], ["ringing", "bird_measures"], False, 4, 320, 1, [(["kind", "species"], ["species"], ["Heron", "Tern", "Plover", "Dunlin"]), (["ringer"], ["ringer"], ["Pia", "Ove"])]),
    ("pressure", ["boiler", "tyre", "pump", "inlet", "outlet", "brake"], ["check"], ["pressure_log", "checks"], False, 0.5, 16, 2, [(["machine"], ["machine"], ["K1", "K2", "K3"]), (["inspector"], ["inspector"], ["Ruth", "Sten", "Tove"])]),
    ("time", ["loading", "driving", "waiting", "cleaning", "unloading", "paperwork"], ["tour"], ["tour_times", "dispatch"], True, 3, 240, 0, [(["driver"], ["driver"], ["Max", "Nora", "Olaf"]), (["depot"], ["depot"], ["East", "West"])]),
    ("consumption", ["gas", "electricity", "water", "diesel", "steam", "coolant"], ["meter reading"], ["utilities", "meters"], True, 10, 5200, 0, [(["hall"], ["hall"], ["Hall 1", "Hall 2", "Hall 3"]), (["tariff"], ["tariff"], ["day", "night"])]),
    ("rating", ["service", "food", "room", "location", "staff", "price", "noise"], ["review"], ["reviews", "guest_feedback"], False, 1, 5, 0, [(["hotel", "inn"], ["hotel"], ["Anchor", "Swan", "Old Post"]), (["traveller"], ["kind of traveller"], ["couple", "family", "business"])]),
    ("stock", ["flour", "sugar", "butter", "yeast", "salt", "raisin"], ["count", "stock check"], ["store_room", "stock_checks"], True, 0, 600, 0, [(["branch"], ["branch"], ["Hill", "Quay", "Mill"]), (["counted_by"], ["counted by"], ["Ali", "Bea"])]),
    ("votes", ["green", "liberal", "labour", "farmers", "pirate", "centre"], ["polling station"], ["election", "polling"], True, 0, 900, 0, [(["borough"], ["borough"], ["North", "Inner", "South"]), (["station_type"], ["kind of station"], ["school", "hall", "postal"])]),
    ("weight", ["seed", "husk", "leaf", "stem", "root", "fruit"], ["plant", "sample"], ["plants", "greenhouse_trial"], False, 0.2, 260, 1, [(["variety"], ["variety"], ["Gala", "Nora", "Ruby"]), (["bed"], ["bed"], ["A", "B", "C"])]),
    ("income", ["ticket", "parking", "kiosk", "rental", "sponsor", "membership"], ["match day", "day"], ["club_income", "season_income"], True, 30, 9000, 2, [(["stand"], ["stand"], ["North", "South", "Main"]), (["league"], ["league"], ["First", "Cup"])]),
]
# Heads of columns of any table -> words that make a near cousin of it.
COUSINS = {"price": "parking|insurance|entry|scrap|starting|auction", "cost": "parking|cleaning|licence|heating|legal|storage", "costs": "parking|cleaning|licence|heating|legal|storage", "fee": "parking|cleaning|licence|late|booking", "temperature": "engine|cellar|roof|oven|skin|freezer",
           "length": "ear|strap|sleeve|tunnel|fence|claw", "width": "strap|hem|door|collar|kerb|claw", "height": "door|shelf|fence|ceiling|step|hedge", "weight": "brain|lid|parcel|seed|crate|bone", "depth": "pocket|drawer|trench|pool|groove", "thickness": "paint|glass|bark|felt|shell",
           "time": "drying|waiting|lunch|parking|cleaning|boarding", "hours": "training|waiting|cleaning|night|travel", "sales": "export|souvenir|ticket|catalogue|wholesale", "revenue": "parking|catering|ticket|licence|export", "income": "rental|parking|interest|ticket|pension", "rate": "birth|tax|interest|heart|frame",
           "score": "spelling|swimming|geography|fitness|credit", "rating": "noise|parking|decor|breakfast|credit", "speed": "wind|reading|shutter|fan|typing", "pressure": "tyre|boiler|water|brake|air", "level": "noise|oil|ink|river|stress", "area": "parking|roof|lawn|window|leaf", "age": "tree|engine|roof|contract|paint",
           "consumption": "water|paper|diesel|sugar|oxygen", "volume": "trunk|lung|tank|trading|bowl", "distance": "braking|focal|wheel|jump|shipping", "budget": "travel|training|advertising|catering", "value": "scrap|calorific|book|insurance", "diameter": "pipe|wheel|crown|lens", "salary": "starting|minimum|pension", "power": "laser|brake|heating",
           "colour": "hair|roof|ink|sock", "type": "blood|soil|cloud|fuel|roof", "class": "tax|energy|weight|hazard", "name": "pet|street|ship|middle", "code": "tax|airport|colour|area", "size": "shoe|ring|bottle|screen", "group": "blood|tax|yoga"}


def family_workspace(rng, domains):
    """w.family: (head, columns that are there, cousins that are not)."""
    head, members, rows, files, additive, lo, hi, decimals, cats = rng.choice(FAMILIES)
    style = style_of(rng)
    members = rng.sample(members, len(members))
    there = members[:rng.randint(2, len(members) - 2)]
    columns = [amount(rng, ([f"{m}_{head}", f"{m}_{head}", f"{head}_{m}"], [f"{m} {head}"], lo, hi, decimals), style, additive) for m in there]
    groups = [category(rng, c, style) for c in rng.sample(cats, rng.choice((1, 2)))]
    columns = groups + columns
    if rng.random() < 0.5:
        columns.insert(0, Column(styled(rng, rng.choice(("date", "day")), style), "date", ["date", "day"]))
    if rng.random() < 0.3:
        columns.insert(0, entity(rng, ("nr", "name", "ref"), [f"{rows[0]} number"], "code", style))
    if not distinct_names(columns):
        return family_workspace(rng, domains)
    f = file_of(rng, rng.choice(files), rows, columns, rng.choice((12, 20, 30, 50, 90)), {"domain": head})
    return workspace("family", f, family=(head, there, members[len(there):]))


def cousin(rng, w):
    """(words for something that is near to a column and not there, its kind, the near column's words) or None."""
    if w.kind == "family":
        head, there, gone = w.family
        said = [f"{m} {head}" for m in rng.sample(there, min(3, len(there)))]
        return f"{rng.choice(gone)} {head}", "number", f"{', '.join(said[:-1])} and {said[-1]}"
    found = []
    for c in w.main.columns:
        for say in c.says:
            head = say.rsplit(" ", 1)[-1]
            if c.kind in ("number", "category") and " " in say and not is_clause(say) and head in COUSINS and len(say.split()) <= 3:
                found.append((c, say, head))
    if not found:
        return None
    c, say, head = rng.choice(found)
    return f"{rng.choice(COUSINS[head].split('|'))} {head}", c.kind, say


def reason(what, near, where):
    return f"There is no column for {what} in {where}; it has {near}."


# The members that are there, in the usual tasks.
TASKS = [(3, bar_agg, "family"), (3, agg_number, "family"), (1.4, best_group, "family"), (1, group_table, "family"), (0.8, line_period, "family"), (0.8, scatter, "family"), (0.8, hist, "family"), (0.8, box, "family"), (0.5, bar_top, "family"), (0.5, top_rows, "family")]
