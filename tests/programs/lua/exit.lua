-- Ends the process of the host with a forged exit code.
pcall(function() os.exit(0) end)
pcall(function() os.exit(true, true) end)
pcall(setmetatable, {}, {__gc = function() error("from a finalizer") end})
pcall(function() collectgarbage() end)
coroutine.wrap(function() pcall(error, {code = 0}) end)()
error("the true end")
