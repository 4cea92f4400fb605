-- Reads and writes files outside the workspace with the libraries of Lua and with our own.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

local outside, secret = TARGET.OUTSIDE, TARGET.SECRET
try("io.open", function() return io.open(secret):read("a"):find("TESSERA%-SECRET") end)
try("io.lines", function() for line in io.lines(secret) do return line end end)
try("io.open to write", function() return io.open(outside .. "/planted", "w"):write("x") end)
try("loadfile", function() return select(2, loadfile(secret)):find("secret.txt:1", 1, true) end)
try("dofile", function() dofile(outside .. "/none") return true end)
try("os.rename", function() return os.rename(outside .. "/kept.txt", outside .. "/moved") end)
try("os.remove", function() return os.remove(outside .. "/moved") end)
try("read_text", function() return read_text(secret):find("TESSERA") end)
try("read_text of ../", function() return read_text("../secret.txt"):find("TESSERA") end)
for _, name in ipairs({"read", "csv", "read_csv", "load", "json", "open", "table"}) do
  try("data." .. name, function() return data[name](secret) end)
  try("data." .. name .. " of ../", function() return data[name]("../secret.txt") end)
end
try("chart", function() return chart.bar(data.csv("a"), {save = outside .. "/planted.png"}) end)
judge()
