-- Prints 64 MB.
local line = ("y"):rep(65536)
for _ = 1, 1024 do print(line) end
if os then os.exit(10) end
