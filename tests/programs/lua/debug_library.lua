-- Uses the debug library: registry, upvalues, hooks, metatables of other types.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

try("debug", function() return debug end)
try("the registry", function() return debug.getregistry() end)
try("a hook", function() debug.sethook() return true end)
try("upvalues", function() return debug.getupvalue(try, 1) end)
try("metatables of other types", function() return debug.setmetatable(1, {}) end)
try("the metatable of a number", function() return getmetatable(1) end)
try("__metatable of our own types", function() return getmetatable(data.csv("a")).__gc end)
judge()
