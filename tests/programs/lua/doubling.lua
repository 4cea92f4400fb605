-- string.rep of 1 GB, then doubling.
local ok = pcall(string.rep, "x", 1 << 30)
local text = "x"
for _ = 1, 30 do ok = pcall(function() text = text .. text end) and ok end
print("escaped: " .. #text .. " bytes")
