-- Run twice: the first poisons globals, the metatable of strings and library tables for the second.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

try("a global", function() return POISON end)
try("the metatable of strings", function() return ("").poison or getmetatable("").poison end)
try("a library table", function() return math.poison or table.poison or data.poison end)
try("a replaced function", function() return tostring(1) == "poison" end)
POISON = true
getmetatable("").__index.poison = true
getmetatable("").poison = true
math.poison, table.poison = true, true
if data then data.poison = true end
judge()
tostring = function() return "poison" end
print = function() end
string.format = print
