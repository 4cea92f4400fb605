#include "sandbox/resident.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sandbox {

using base::Errc;
using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

constexpr int kGraceMs = 2000;

}  // namespace

Result<Resident> Resident::start(const Program& program, const policies::Policy& policy,
                                 Wiring wiring) {
  try {
    Result<Jail> jail = prepare(program, policy);
    if (!jail) return jail.error();
    UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop) return Error{Errc::system, std::string("eventfd: ") + strerror(errno)};
    Result<std::shared_ptr<Zygote>> zygote = Zygote::make(jail->owner);
    if (!zygote) return zygote.error();
    Result<Prepared> prepared = Prepared::make(std::move(*zygote), wiring);
    if (!prepared) return prepared.error();
    if (base::Status s = prepared->go(*jail, ""); !s) return s.error();
    return Resident{.name = program.argv[0],
                    .jail = std::move(*jail),
                    .prepared = std::move(*prepared),
                    .stop = std::move(stop)};
  } catch (const std::exception& e) {
    return Error{Errc::system, std::string("sandbox: ") + e.what()};
  }
}

void Resident::wake() const {
  const uint64_t one = 1;
  (void)!write(stop.get(), &one, sizeof one);
}

Result<End> Resident::end(const std::string& reason) {
  const int status = prepared.status.get();
  // Shutting down the status socket is the order to end the jail, but only where we give it: a
  // program that ended by itself is still being reported on.
  if (!reason.empty()) shutdown(status, SHUT_WR);
  pollfd gone{status, 0, 0};
  if (poll(&gone, 1, kGraceMs) == 0) {
    shutdown(status, SHUT_WR);
    Prepared::await_end(status);
    prepared.zygote->launcher.kill_now();
  }
  read_rest(status, *prepared.zygote, jail, report);
  return judge(reason, report.end, prepared.cgroup, name);
}

}  // namespace sandbox
