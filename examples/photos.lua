print(files.apply({{
  op = "rename",
  files = "*.jpg",
  regex = "^IMG_([0-9]{4})([0-9]{2})",
  to = "{1}/{2}/IMG_{1}{2}",
}}))
