-- Deep recursion in the parser, in patterns, in coroutines and in metamethods: an error, not a crash.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

local function fails(what, action)
  local ok = pcall(action)
  if ok then found[#found + 1] = what end
end
fails("the parser", function() assert(load("return " .. ("("):rep(10000) .. "1" .. (")"):rep(10000))) end)
fails("nested functions", function() assert(load(("return function() "):rep(5000) .. ("end "):rep(5000))) end)
fails("a pattern", function() return assert(string.find(("a"):rep(300000), ("(a?"):rep(250))) end)
fails("coroutines in coroutines", function()
  local function inside(n) return coroutine.wrap(function() return inside(n + 1) end)() end
  return inside(1)
end)
fails("metamethods", function()
  local t = setmetatable({}, {})
  getmetatable(t).__index = function(_, k) return t[k .. "x"] end
  return t.x
end)
fails("__concat", function()
  local t = setmetatable({}, {})
  getmetatable(t).__concat = function(a, b) return a .. b end
  return t .. "x"
end)
fails("sort with an order that is none", function()
  local t = {}
  for i = 1, 1000 do t[i] = i % 7 end
  table.sort(t, function() return true end)
end)
fails("unpack", function() return table.unpack({}, 1, 1 << 30) end)
judge()
