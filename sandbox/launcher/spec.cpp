// What comes from the supervisor: messages with descriptors, and the two parts of the
// specification, memory files that it has sealed.

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

/// Maps one part of the specification, for good, and calls `take` with each record. Of the pair
/// kinds, `second` is what follows the NUL.
template <class Header, class Take>
void read_part(int fd, const char (&magic)[8], Header& header, Take take) {
  struct stat info {};
  if (fstat(fd, &info) != 0) die("read the specification");
  const size_t size = static_cast<size_t>(info.st_size);
  if (size < sizeof header) die("read the specification: too short", EINVAL);
  void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) die("map the specification");
  close(fd);
  std::string_view bytes(static_cast<const char*>(map), size);
  memcpy(&header, bytes.data(), sizeof header);
  if (memcmp(header.magic, magic, sizeof magic) != 0 || header.total_bytes != size) {
    die("read the specification: the launcher is of another version than the program", EINVAL);
  }
  bytes.remove_prefix(sizeof header);
  while (!bytes.empty()) {
    JailRecord record;
    if (bytes.size() < sizeof record) die("read the specification: cut short", EINVAL);
    memcpy(&record, bytes.data(), sizeof record);
    bytes.remove_prefix(sizeof record);
    if (bytes.size() < record.length) die("read the specification: cut short", EINVAL);
    const std::string_view payload = bytes.substr(0, record.length);
    bytes.remove_prefix(record.length);
    const size_t nul = payload.find('\0');
    const bool pair = record.kind == Record::symlink || record.kind == Record::file;
    if (record.kind != Record::seccomp_filter && pair != (nul != payload.npos)) {
      die("read the specification: stray NUL", EINVAL);
    }
    const std::string_view second = pair ? payload.substr(nul + 1) : std::string_view();
    if (!take(record.kind, pair ? payload.substr(0, nul) : payload, std::string(second))) {
      die("read the specification: unknown record", EINVAL);
    }
  }
}

}  // namespace

ssize_t receive(int socket, void* message, size_t size, std::vector<int>& fds) {
  iovec part{message, size};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxMessageFds * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = 0;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  const cmsghdr* rights = n > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    fds.resize((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds.data(), CMSG_DATA(rights), fds.size() * sizeof(int));
  }
  return n;
}

BaseSpec read_base() {
  BaseSpec spec;
  read_part(kBaseFd, kBaseMagic, spec.header,
            [&](Record kind, std::string_view payload, std::string second) {
              std::string text(payload);
              switch (kind) {
                case Record::bind_read_only:
                  spec.binds.push_back({text, false});
                  return true;
                case Record::symlink:
                  spec.symlinks.push_back({text, second});
                  return true;
                case Record::file:
                  spec.files.push_back({text, second});
                  return true;
                case Record::group_parent:
                  spec.group_parents.push_back(text);
                  return true;
                default:
                  return false;
              }
            });
  return spec;
}

ProgramSpec read_program() {
  ProgramSpec spec;
  read_part(kProgramFd, kProgramMagic, spec.header,
            [&](Record kind, std::string_view payload, std::string) {
              if (kind == Record::seccomp_filter) {
                spec.filter = payload;
                return true;
              }
              std::string text(payload);
              switch (kind) {
                case Record::argv:
                  spec.argv.push_back(text);
                  return true;
                case Record::env:
                  spec.env.push_back(text);
                  return true;
                case Record::bind_read_only:
                  spec.binds.push_back({text, false});
                  return true;
                case Record::bind_writable:
                  spec.binds.push_back({text, true});
                  return true;
                case Record::workspace:
                  spec.workspace = text;
                  return true;
                case Record::cover_read_only:
                  spec.covers.push_back({text, false});
                  return true;
                case Record::cover_hidden:
                  spec.covers.push_back({text, true});
                  return true;
                default:
                  return false;
              }
            });
  if (spec.argv.empty() || spec.filter.empty() || spec.workspace.empty()) {
    die("read the specification: incomplete", EINVAL);
  }
  return spec;
}

}  // namespace jail
