// Master with N agents in one process.
#include <cstdint>
#include <cstdio>

#include "host.hpp"
#include "modes.hpp"
#include "symbols.hpp"

namespace rig {

int run_master(const Options& options, StopSignals& signals)
{
  start_host(options, "master");
  start_version_endpoint();
  load_modules(options);
  void* allocator = create_allocator(options.allocator);

  unsigned char* flags = allocate(room::flags);
  call(symbol::local_flags, flags);
  expect_default<std::int32_t>(flags, offset::local_agents, 1, "number of agents");
  field<std::string>(flags, offset::local_work_dir) = options.work_dir;
  field<std::int32_t>(flags, offset::local_agents) = options.agents;
  ProcessId master;
  call(symbol::local_launch, &master, flags, allocator);

  signals.watch_stdin(options);
  while (signals.wait() == SIGHUP) {
  }
  // Listed first: once the agents are gone, their containers belong to the system's first process.
  const auto containers = processes_below();
  call(symbol::local_shutdown);
  if (signals.abandoned()) kill_all(containers);
  return 0;
}

}  // namespace rig
