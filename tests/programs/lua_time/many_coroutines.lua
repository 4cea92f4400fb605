-- Many short coroutines, each of which counts its steps from zero.
while true do
  pcall(coroutine.wrap(function() for _ = 1, 50 do end end))
end
