-- Gets removed libraries back with require, package.loaded and package.preload.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

for _, name in ipairs({"io", "os", "debug", "package"}) do
  try(name, function() return require(name) end)
  try(name .. " in package.loaded", function() return package.loaded[name] end)
end
try("package.preload", function() package.preload.x = function() return true end return require("x") end)
try("package.searchers", function() return package.searchers[2] end)
for _, name in ipairs({"os", "io", "debug"}) do try("_G." .. name, function() return _G[name] or _ENV[name] end) end
judge()
