// The launcher's command line.
#pragma once

#include <string>
#include <vector>

namespace rig {

// What this process is to be. Flags of master and agent are not options of the launcher: Mesos reads
// them from MESOS_* variables itself.
struct Options {
  enum class Mode { help, master, agent, load };

  Mode mode = Mode::help;
  std::string ip = "127.0.0.1";
  std::string port = "5050";
  std::string work_dir;
  int agents = 0;
  std::string master_file;
  std::string modules_dir;
  std::string hooks;
  std::string allocator;
  std::string logging_level = "INFO";
  std::string to_load;
  std::string preload;
  bool until_stdin_closes = false;
  // What stands after `--`, for the library of mode load.
  std::vector<std::string> arguments;
};

// The text of `--help`.
extern const char* const usage;

// Reads the command line. On a mistake `problem` names it, and the result is not to be used.
Options parse_options(int argc, char** argv, std::string& problem);

}  // namespace rig
