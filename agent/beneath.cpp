#include "agent/beneath.h"

#include <fcntl.h>

#include "base/file.h"
#include "sandbox/workspace/tree.h"

namespace agent {

base::Result<std::string> read_beneath(const std::filesystem::path& folder, const std::string& path,
                                       size_t max_bytes) {
  const base::Result<base::UniqueFd> top = sandbox::tree::open_top(folder);
  base::UniqueFd file;
  if (top && !path.empty())
    file = sandbox::tree::open_beneath(top->get(), path, O_RDONLY | O_NONBLOCK);
  if (!file)
    return base::Error{base::Errc::not_found, path + ": there is no such file that may be read"};
  return base::read_file(sandbox::tree::self(file.get()), max_bytes);
}

}  // namespace agent
