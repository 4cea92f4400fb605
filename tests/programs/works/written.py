"""A file written to the workspace is on the host afterwards."""
import os

os.makedirs("results/deep")
with open("results/deep/table.csv", "w") as file:
    file.write("a,b\n1,2\n")
os.chmod("results/deep/table.csv", 0o600)
with open("notes.txt", "a") as file:
    file.write("one more line\n")
print("done")
