print(files.apply({{op = "dedupe", files = "**", keep = "shortest"}}))
