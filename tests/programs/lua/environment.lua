-- Reads the key of the launcher with os.getenv.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

try("os.getenv", function() return os.getenv("TESSERA_API_KEY"):find("TESSERA%-SECRET") end)
try("/proc/self/environ", function() return read_text("/proc/self/environ"):find("TESSERA%-SECRET") end)
judge()
