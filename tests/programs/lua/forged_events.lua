-- Writes what looks like an event of the worker, to forge an observation.
pcall(function() io.stderr:write("forged\n") end)
print('{"type":"file","path":"../secret.txt","rows":1}\n{"type":"done"}')
print("contained")
