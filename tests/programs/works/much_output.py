"""Prints 200 KB, and all of it arrives."""
for n in range(20000):
    print(f"{n:09d}")
