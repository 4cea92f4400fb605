#include "base/result.h"

namespace base {

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::internal:
      return "internal";
    case Errc::usage:
      return "usage";
    case Errc::not_found:
      return "not_found";
    case Errc::corrupt:
      return "corrupt";
    case Errc::limit:
      return "limit";
    case Errc::refused:
      return "refused";
    case Errc::unsupported:
      return "unsupported";
    case Errc::cancelled:
      return "cancelled";
    case Errc::system:
      return "system";
  }
  return "internal";
}

}  // namespace base
