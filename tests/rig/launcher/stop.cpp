#include "stop.hpp"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

namespace rig {
namespace {

std::atomic<bool> stdin_closed{false};

// Parent of a process, or 0 when it has ended. The name in the second field may itself hold spaces and
// parentheses, so the fields are counted from the last one.
pid_t parent_of(const std::string& process)
{
  std::ifstream file("/proc/" + process + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  int parent = 0;
  if (name_end == std::string::npos) return 0;
  return std::sscanf(line.c_str() + name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

}  // namespace

StopSignals::StopSignals()
{
  std::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&signals_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void StopSignals::watch_stdin(const Options& options)
{
  if (!options.until_stdin_closes) return;
  std::thread([] {
    char byte;
    ssize_t got;
    do {
      got = read(STDIN_FILENO, &byte, 1);
    } while (got > 0 || (got < 0 && errno == EINTR));
    stdin_closed = true;
    kill(getpid(), SIGTERM);
  }).detach();
}

int StopSignals::wait() const
{
  int number = 0;
  while (sigwait(&signals_, &number) != 0) {
  }
  return number;
}

bool StopSignals::abandoned() const { return stdin_closed; }

std::vector<pid_t> processes_below()
{
  std::vector<std::pair<pid_t, pid_t>> all;
  DIR* directory = opendir("/proc");
  while (const dirent* entry = directory != nullptr ? readdir(directory) : nullptr) {
    const pid_t process = std::atoi(entry->d_name);
    if (process > 0) all.emplace_back(process, parent_of(entry->d_name));
  }
  if (directory != nullptr) closedir(directory);

  std::vector<pid_t> below{getpid()};
  for (std::size_t i = 0; i < below.size(); ++i) {
    for (const auto& [process, parent] : all) {
      if (parent == below[i]) below.push_back(process);
    }
  }
  below.erase(below.begin());
  return below;
}

void kill_all(const std::vector<pid_t>& processes)
{
  for (const pid_t process : processes) kill(process, SIGKILL);
}

}  // namespace rig
