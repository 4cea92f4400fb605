-- Loads a binary chunk: crafted bytecode breaks the memory safety of the machine that runs it.
local found = {}
local function try(what, action)
  local ok, result = pcall(action)
  if ok and result then found[#found + 1] = what end
end
local function judge()
  print(#found == 0 and "contained" or "escaped: " .. table.concat(found, ", "))
end

-- `return 42`, as this version of Lua compiles it.
local chunk =
  "\x1b\x4c\x75\x61\x54\x00\x19\x93\x0d\x0a\x1a\x0a\x04\x08\x08\x78\x56\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x28\x77\x40\x01\x80\x80\x80\x00\x01\x02\x84\x51\x00\x00\x00\x01\x80\x14\x80\x46\x00\x02\x01\x46\x00\x01\x01\x80\x81\x01\x00\x00\x80\x80\x80\x80\x80"
try("load", function() return load(chunk)() == 42 end)
try("load with mode b", function() return load(chunk, "x", "b")() == 42 end)
try("load with mode bt", function() return load(chunk, "x", "bt", {})() == 42 end)
try("load from a function", function()
  local at = 0
  return load(function() at = at + 1 return chunk:sub(at, at) end)() == 42
end)
try("string.dump", function() return string.dump(function() end) end)
try("loadstring", function() return loadstring(chunk)() == 42 end)
try("the script of a chunk", function() return load("\27Lua") end)
judge()
