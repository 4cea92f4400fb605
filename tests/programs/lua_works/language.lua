-- Strings, tables, mathematics, coroutines, pcall, load of text.
local words = {}
for word in ("the quick brown fox"):gmatch("%a+") do words[#words + 1] = word:upper() end
table.sort(words, function(a, b) return a > b end)
print(table.concat(words, " "))
print(math.max(3, 7), 7 // 2, ("%05.2f"):format(math.pi), #("x"):rep(1000))
local next_square = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end end)
local sum = 0
for _ = 1, 5 do sum = sum + next_square() end
print("sum", sum)
print(pcall(error, "caught", 0))
print(load("local a = ... return a * 2")(21))
local t = setmetatable({}, {__index = function(_, k) return k .. "!" end})
print(t.hello, utf8.char(8364), select("#", table.unpack({1, 2, 3})))
