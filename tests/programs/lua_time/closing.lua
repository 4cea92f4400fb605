-- An endless loop in __close, also after an error.
pcall(function()
  local guard <close> = setmetatable({}, {__close = function() while true do end end})
  error("on the way out")
end)
