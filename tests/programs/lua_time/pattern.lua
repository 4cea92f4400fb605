-- A catastrophic pattern in one C call, inside which no hook runs.
pcall(string.find, ("a"):rep(200), ("a-"):rep(30) .. "b")
