#pragma once

#include <stop_token>

#include "agent/mcp/offer.h"
#include "base/result.h"

namespace agent::mcp {

/// Speaks the protocol over two descriptors, a message a line, until there is nothing more to read
/// and all that was asked is answered, or `stop` is requested, or nobody reads the answers. A line
/// that is no message gets an error as its answer.
///
/// The calling thread reads; a second one carries out the calls, one after the other, so that a
/// ping is answered and a call can be called off meanwhile. A call whose caller wants to know gets
/// a sign of progress each second. SIGPIPE must be ignored.
/// Errors: system (reading fails).
base::Status serve(const Offer& offer, int in, int out, std::stop_token stop);

}  // namespace agent::mcp
