-- An endless loop inside nested coroutines, where hooks of the main thread may not reach.
local function nest(depth)
  if depth == 0 then while true do end end
  coroutine.wrap(nest)(depth - 1)
end
while true do pcall(nest, 50) end
