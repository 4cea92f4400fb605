-- An endless loop that catches the error of the limit again and again.
while true do
  pcall(function() while true do end end)
  xpcall(function() while true do end end, function() return 1 end)
end
