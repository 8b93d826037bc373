// `mesos-io-switchboard`, which an agent runs beside each container with a session: it carries what the
// container prints to whoever is attached. Its flags come as arguments.
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <map>
#include <string>

#include "host.hpp"
#include "modes.hpp"
#include "symbols.hpp"

namespace rig {
namespace {

class Flags {
public:
  Flags(int argc, char** argv)
  {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      const std::size_t equals = argument.find('=');
      if (argument.rfind("--", 0) == 0 && equals != std::string::npos) {
        values_[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
      }
    }
  }

  const std::string& text(const char* name) const
  {
    const auto found = values_.find(name);
    if (found == values_.end()) fail(exit_refused, std::string("mesos-io-switchboard wants --") + name);
    return found->second;
  }

  int descriptor(const char* name) const
  {
    const std::string& value = text(name);
    int number = -1;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    if (parsed.ec != std::errc() || number < 0) {
      fail(exit_refused, std::string("--") + name + " wants a file descriptor, found '" + value + "'");
    }
    return number;
  }

  int yes(const char* name) const { return text(name) == "true" ? 1 : 0; }

private:
  std::map<std::string, std::string> values_;
};

}  // namespace

int run_switchboard(int argc, char** argv)
{
  const Flags flags(argc, argv);
  // The agent tells it to end when its container is gone; nothing is kept that would have to be saved.
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { _exit(0); });
  load_libraries("");

  const OptionWord no_heartbeat;
  TryOwned created;
  call(symbol::switchboard_create, &created, flags.yes("tty"), flags.descriptor("stdin_to_fd"),
       flags.descriptor("stdout_from_fd"), flags.descriptor("stdout_to_fd"), flags.descriptor("stderr_from_fd"),
       flags.descriptor("stderr_to_fd"), &flags.text("socket_address"), flags.yes("wait_for_connection"),
       &no_heartbeat);
  void* server = require(created, "mesos-io-switchboard").pointer();

  alignas(8) unsigned char finished[64] = {};
  call(symbol::switchboard_run, &finished[0], server);
  const std::int64_t for_ever = INT64_MAX;
  call(symbol::await_nothing, &finished[0], &for_ever);
  return 0;
}

}  // namespace rig
