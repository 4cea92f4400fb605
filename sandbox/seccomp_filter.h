#pragma once

#include <string>

#include "base/result.h"

namespace sandbox {

/// The filter every program runs under, as an array of struct sock_filter. network: TCP sockets may
/// be made and connected.
/// Errors: refused (libseccomp cannot build it here).
base::Result<std::string> build_seccomp_filter(bool network);

}  // namespace sandbox
