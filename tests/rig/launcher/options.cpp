#include "options.hpp"

#include <charconv>
#include <map>

namespace rig {

const char* const usage =
    R"(Runs the published Mesos 1.11.0 binary as a master, an agent, or under a test.

usage: rig-launcher master --work_dir=DIR [options]
       rig-launcher agent --work_dir=DIR --master_file=FILE [options]
       rig-launcher load --library=FILE.so [options] [-- ARGUMENTS]
       mesos-containerizer launch        (this program under that name)
       mesos-io-switchboard --FLAG=…     (this program under that name)

modes:
  master    A master with --agents=N agents in one process (N may be 0).
  agent     One agent.
  load      Starts logging and libprocess, loads FILE.so and calls its
            extern "C" int rig_main(int argc, char** argv); the result is the
            exit code.

options:
  --work_dir=DIR         Absolute folder for everything the process keeps; created.
  --agents=N             Agents in the master's process (default 0).
  --master_file=FILE     File holding the master's HOST:PORT; read again on SIGHUP.
  --modules_dir=DIR      Folder of modules JSON files, loaded before anything else.
  --hooks=NAME,...       Hook modules to create.
  --allocator=NAME       Allocator module to create; without it the built-in one.
  --ip=ADDRESS           Address to listen on (default 127.0.0.1).
  --port=N               Port to listen on (default 5050; 0 picks a free one).
  --logging_level=LEVEL  INFO (default), WARNING or ERROR.
  --library=FILE.so      The library of mode load.
  --preload=FILE.so      Library loaded before the Mesos binary, to define or replace
                         symbols that modules take from their host.
  --until_stdin_closes   Stop, and end everything below in the process tree, when
                         standard input ends.
  --help                 This text.

Flags of master and agent are taken from MESOS_* variables, as the stock programs do,
among them MESOS_QOS_CONTROLLER and MESOS_RESOURCE_ESTIMATOR.
On SIGTERM or SIGINT the process stops and ends with code 0; containers of its agents
go on, as with the stock agent.
)";

namespace {

bool parse_count(const std::string& text, int& count)
{
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  return parsed.ec == std::errc() && parsed.ptr == end && count >= 0;
}

std::string missing_option(const Options& options)
{
  const bool host = options.mode == Options::Mode::master || options.mode == Options::Mode::agent;
  if (host && (options.work_dir.empty() || options.work_dir[0] != '/')) {
    return "--work_dir=DIR with an absolute folder is wanted, found '" + options.work_dir + "'";
  }
  if (options.mode == Options::Mode::agent && options.master_file.empty()) {
    return "mode agent wants --master_file=FILE";
  }
  if (options.mode == Options::Mode::load && options.to_load.empty()) {
    return "mode load wants --library=FILE.so";
  }
  return "";
}

}  // namespace

Options parse_options(int argc, char** argv, std::string& problem)
{
  Options options;
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "--help" || mode == "-h") return options;
  if (mode == "master") {
    options.mode = Options::Mode::master;
  } else if (mode == "agent") {
    options.mode = Options::Mode::agent;
  } else if (mode == "load") {
    options.mode = Options::Mode::load;
  } else {
    problem = "the first argument is the mode (master, agent or load), found '" + mode + "'";
    return options;
  }

  const std::map<std::string, std::string*> texts = {
      {"--work_dir", &options.work_dir},       {"--master_file", &options.master_file},
      {"--modules_dir", &options.modules_dir}, {"--hooks", &options.hooks},
      {"--allocator", &options.allocator},     {"--ip", &options.ip},
      {"--port", &options.port},               {"--logging_level", &options.logging_level},
      {"--library", &options.to_load},         {"--preload", &options.preload},
  };
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      options.arguments.assign(argv + i + 1, argv + argc);
      break;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    const auto text = texts.find(name);
    if (argument == "--help") {
      options.mode = Options::Mode::help;
      return options;
    }
    if (argument == "--until_stdin_closes") {
      options.until_stdin_closes = true;
    } else if (text != texts.end() && !value.empty()) {
      *text->second = value;
    } else if (text != texts.end()) {
      problem = "option " + name + " wants a value: " + name + "=VALUE";
    } else if (name == "--agents") {
      if (!parse_count(value, options.agents)) problem = "--agents wants a number from 0, found '" + value + "'";
    } else {
      problem = "unknown option '" + argument + "'; options are written --name=value, see --help";
    }
  }
  if (problem.empty()) problem = missing_option(options);
  return options;
}

}  // namespace rig
