-- A table that grows to 600 MB, with pcall around the failures.
local rows = {}
for i = 1, 300000 do pcall(function() rows[i] = {("x"):rep(2000) .. i} end) end
print("escaped: " .. #rows .. " rows")
