-- Amplification in single C calls: table.concat, string.format, string.pack, gsub.
local mega = string.rep("x", 1 << 20)
pcall(function()
  local parts = {}
  for i = 1, 1000 do parts[i] = mega end
  return #table.concat(parts)
end)
pcall(function() return #string.format(("%s"):rep(200), table.unpack({mega}, 1, 1)) end)
pcall(function() return #string.pack(">!16 s8", mega:rep(512)) end)
local big = pcall(string.gsub, mega, "x", mega)
print("escaped: " .. (big and "gsub" or "nothing of it was ended"))
