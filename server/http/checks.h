#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace server {

/// Whether a Host header names this machine's loopback or one of `allowed` (without a port): a page
/// of another site that has its name resolved to 127.0.0.1 sends its own name.
bool host_allowed(std::string_view host, const std::vector<std::string>& allowed);

/// Whether an Origin header is one of `allowed` (whole origins, such as "https://example.org").
bool origin_named(std::string_view origin, const std::vector<std::string>& allowed);

/// Whether an Origin header is empty (no browser), of loopback or one of `allowed`. "null" is
/// not.
bool origin_allowed(std::string_view origin, const std::vector<std::string>& allowed);

/// Whether the client knows the key: "Authorization: Bearer KEY" or "x-api-key: KEY", compared
/// without telling by the time how much of it was right. An empty key lets everybody in.
bool key_accepted(std::string_view authorization, std::string_view x_api_key, std::string_view key);

/// Whether an address reaches this machine only: 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view address);

}  // namespace server
