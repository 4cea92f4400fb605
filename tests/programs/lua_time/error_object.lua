-- Raises an error object whose __tostring loops when the host prints it.
error(setmetatable({}, {__tostring = function() while true do end end, __name = "looper"}))
