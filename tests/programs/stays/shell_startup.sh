# Appends to the files that the user's shells read when they start.
for home in "$HOME" "$USER_HOME" ~; do
  for file in .bashrc .profile .bash_profile .config/fish/config.fish; do
    (echo 'echo owned' >> "$home/$file") 2> /dev/null
  done
done
echo done
