-- Loads a C library with package.loadlib and require.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

try("package.loadlib", function() return package.loadlib("libc.so.6", "*") end)
try("package.cpath", function() package.cpath = "/usr/lib/?.so" return true end)
try("require", function()
  package.cpath = "/usr/lib/x86_64-linux-gnu/?.so.6"
  local _, why = pcall(require, "libm")
  return why:find("undefined symbol")
end)
judge()
