// Turns the published Mesos binary into a running master, agent or container launcher, with own
// declarations only. Start with `usage` in options.cpp, then modes.hpp.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "host.hpp"
#include "modes.hpp"

namespace {

int run(int argc, char** argv)
{
  const char* slash = std::strrchr(argv[0], '/');
  const std::string name = slash != nullptr ? slash + 1 : argv[0];
  if (name == "mesos-containerizer") return rig::run_containerizer(argc, argv);
  if (name == "mesos-io-switchboard") return rig::run_switchboard(argc, argv);

  std::string problem;
  const rig::Options options = rig::parse_options(argc, argv, problem);
  if (!problem.empty()) rig::fail(rig::exit_refused, problem);
  if (options.mode == rig::Options::Mode::help) {
    std::fputs(rig::usage, stdout);
    return 0;
  }

  if (options.mode == rig::Options::Mode::load) {
    rig::load_libraries(options.preload);
    return rig::run_library(options);
  }
  rig::StopSignals signals;
  rig::load_libraries(options.preload);
  return options.mode == rig::Options::Mode::master ? rig::run_master(options, signals)
                                                    : rig::run_agent(options, signals);
}

}  // namespace

int main(int argc, char** argv)
{
  const int code = run(argc, argv);
  std::fflush(nullptr);
  // Not `return`: static destructors would run under the host's live worker threads.
  _exit(code);
}
