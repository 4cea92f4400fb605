-- The message handler of the limit and the error object loop themselves.
local function loop() while true do end end
while true do
  xpcall(loop, loop)
  pcall(error, setmetatable({}, {__tostring = loop, __eq = loop, __index = loop}))
  pcall(loop)
end
