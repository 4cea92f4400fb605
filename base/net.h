#pragma once

/// The only file that includes Boost.Asio, so that its workarounds have one place.

// Boost 1.74's awaitable.hpp uses std::exchange without including <utility>.
#include <utility>
// Keep apart from the line above: include sorting must not swap them.
#include <boost/asio.hpp>

/// base: `net` is Boost.Asio everywhere in this project.
namespace net = boost::asio;
