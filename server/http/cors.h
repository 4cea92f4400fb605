#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/http/http_server.h"

namespace server {

/// Whether a browser asks if a page may send what it wants to send.
bool is_preflight(const HttpRequest& head);

/// Headers of any answer to this request: where a page of one of the `allowed` origins asks, those
/// that let it read the answer, and in answer to a preflight those that let it send its method and
/// headers. None of these for any other origin, this machine's included.
std::vector<std::pair<std::string, std::string>> cors_headers(
    const HttpRequest& head, const std::vector<std::string>& allowed);

}  // namespace server
