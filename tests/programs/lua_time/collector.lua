-- An endless loop in a __gc finalizer that runs when the state is closed.
local ok = pcall(setmetatable, {}, {__gc = function() while true do end end})
print("contained")
