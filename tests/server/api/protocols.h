#pragma once

#include <string_view>

#include "server/api/request.h"

namespace server {

/// "chat", "completions", "responses", else messages: as recorded requests are called.
inline Protocol protocol_called(std::string_view name) {
  return name == "chat"          ? Protocol::chat
         : name == "completions" ? Protocol::completions
         : name == "responses"   ? Protocol::responses
                                 : Protocol::messages;
}

}  // namespace server
