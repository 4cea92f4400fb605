-- A comparison in C that calls back, and C functions that never do: sort, gsub, concat, rep in a loop.
local t = {}
for i = 1, 1000 do t[i] = -i end
while true do
  pcall(table.sort, t, function(a, b) return a < b end)
  pcall(string.gsub, ("x"):rep(10000), "x", "yy")
  pcall(string.rep, "x", 100000)
end
