// `mesos-containerizer launch`, which an agent runs as the first process of each container. Its flags
// come in MESOS_CONTAINERIZER_* variables.
#include <csignal>
#include <cstdint>
#include <cstring>

#include "host.hpp"
#include "modes.hpp"
#include "symbols.hpp"

namespace rig {
namespace {

// An agent of the launcher blocks its stop signals, and children inherit that: a task could not be
// stopped politely then. Ignored signals are inherited too.
void restore_signals()
{
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
}

}  // namespace

int run_containerizer(int argc, char** argv)
{
  if (argc < 2 || std::strcmp(argv[1], "launch") != 0) {
    fail(exit_refused, std::string("mesos-containerizer knows only 'launch' here, found '") +
                           (argc < 2 ? "" : argv[1]) + "'");
  }
  restore_signals();
  load_libraries("");

  // The subcommand's constructor is not exported: the object is put together from its parts.
  unsigned char* launch = allocate(room::flags);
  field<unsigned char*>(launch, 0) = static_cast<unsigned char*>(find(symbol::launch_vtable)) + 16;
  new (launch + offset::launch_name) std::string("launch");
  call(symbol::flags_base, launch + offset::launch_base_flags);
  call(symbol::launch_flags, launch + offset::launch_flags);

  const OptionString prefix("MESOS_CONTAINERIZER_");
  TryWarnings loaded;
  call(symbol::load_flags, &loaded, launch + offset::launch_flags_base, &prefix, argc - 1, argv + 1, 0, 0);
  require(loaded, "container launch flags");
  void* code = call(symbol::launch_execute, launch);
  return static_cast<int>(reinterpret_cast<std::intptr_t>(code));
}

}  // namespace rig
