"""Uses 100 MB of memory."""
data = bytearray(100 << 20)
for i in range(0, len(data), 4096):
    data[i] = 1
print(sum(data[::4096]))
