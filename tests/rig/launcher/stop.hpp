// How a launched process is told to stop.
#pragma once

#include <csignal>
#include <vector>

#include <sys/types.h>

#include "options.hpp"

namespace rig {

// Blocks SIGTERM, SIGINT and SIGHUP, so that only `wait` receives them, and ignores SIGPIPE. Has to run
// before the Mesos binary is loaded: every thread inherits the mask.
class StopSignals {
public:
  StopSignals();

  // With --until_stdin_closes: the end of standard input counts as SIGTERM from now on.
  void watch_stdin(const Options& options);

  // Waits for one of the signals and returns its number.
  int wait() const;

  // True when the process stops because nobody holds the other end of standard input any more. Then
  // nobody is left either who could end the containers.
  bool abandoned() const;

private:
  sigset_t signals_;
};

// Every process below this one in the process tree. Containers outlive the agent that started them.
std::vector<pid_t> processes_below();

// Sends SIGKILL to each of them; those that have ended are passed over.
void kill_all(const std::vector<pid_t>& processes);

}  // namespace rig
