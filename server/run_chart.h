#pragma once

#include <stop_token>
#include <string>

#include "server/http/http_server.h"
#include "tools/toolbox/toolbox.h"

namespace server {

/// A chart of a run, drawn anew from the specification that its result holds: what the workspace
/// has now does not matter. result: the run's last event. query: n=N, 0 for the first chart;
/// format=svg, or vega: the specification as it is drawn, with its data inside.
HttpReply run_chart(const tools::Toolbox& toolbox, const std::string& result,
                    const std::string& query, std::stop_token stop);

}  // namespace server
