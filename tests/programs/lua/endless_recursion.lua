-- A function that calls itself for ever, with pcall around it.
local function deeper() return 1 + deeper() end
pcall(deeper)
print("escaped: it went on after the limit")
