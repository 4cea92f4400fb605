-- An error in a finalizer and in __close, at the end of the script.
local ok = pcall(setmetatable, {}, {__gc = function() print("escaped: a finalizer ran") error("gc") end})
collectgarbage()
local guard <close> = setmetatable({}, {__close = function() error("from __close") end})
print(ok and "done" or "contained")
